// Tensor data in ONNX files: inline or external, raw or in typed fields.
#pragma once

#include <map>

#include "graph/external_data.h"

namespace onnx {
class ModelProto;
class TensorProto;
}  // namespace onnx

namespace cloister {

// The value of a tensor message: type, dimensions and data are checked against each other. External
// data stays in its map; raw data is copied. kUnsupported for strings and unknown element types.
Result<Tensor> tensor_value(const onnx::TensorProto& tensor, ExternalFiles& files);

// Takes the top-level initializers of at least kWeightBytes out of the model (leaving them marked
// external and empty), brings small or nested external data in, and checks the data of every
// tensor in the model, attributes and sub-graphs included.
Result<std::map<std::string, Tensor>> take_weights(onnx::ModelProto& model, ExternalFiles& files);

}  // namespace cloister
