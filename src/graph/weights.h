// Tensor data in ONNX files: inline or external, raw or in typed fields.
#pragma once

#include <map>

#include "base/file.h"
#include "tensor/tensor.h"

namespace onnx {
class GraphProto;
class ModelProto;
class TensorProto;
}  // namespace onnx

namespace cloister {

// Opens a model's external data files, each mapped once.
class ExternalFiles {
 public:
  explicit ExternalFiles(fs::path folder) : folder_(std::move(folder)) {}

  // The map of `location`, a path below the folder as a model file gives it. kRefused when it
  // leads out of the folder, kNotFound when there is none.
  Result<std::shared_ptr<const MappedFile>> map(const std::string& location);

 private:
  fs::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> maps_;
};

// The value of a tensor message: type, extents and data are checked against each other. External
// data stays in its map; raw data is copied. kUnsupported for strings and unknown element types.
Result<Tensor> tensor_value(const onnx::TensorProto& tensor, ExternalFiles& files);

// Takes the top-level initializers of at least kWeightBytes out of the model (leaving them marked
// external and empty), brings small or nested external data in, and checks the data of every
// tensor in the model, attributes and sub-graphs included.
Result<std::map<std::string, Tensor>> take_weights(onnx::ModelProto& model, ExternalFiles& files);

// Marks a tensor message as external data held elsewhere in memory.
void mark_external(onnx::TensorProto& tensor, const std::string& location, uint64_t offset,
                   uint64_t length);

}  // namespace cloister
