// Nodes with constants of their own, to put into a model (graph/edit.h).
#pragma once

#include <vector>

#include "graph/onnx.h"
#include "tensor/tensor.h"

namespace cloister {

// Nodes to put into a model. Its names are its own: none of them clashes with one of the model's,
// since all but those of inputs and outputs are made new.
struct Fragment {
  std::vector<onnx::NodeProto> nodes;  // in an order that runs, without sub-graphs
  std::vector<NamedTensor> constants;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  // Each output has the type and the shape of what it takes the place of. If not, what the model
  // declares of tensors behind it is dropped, to be inferred again.
  bool keeps_types = true;
};

// kInvalid for a name that is missing or there twice, a use before its definition, an output that
// no node makes, an operator of a domain that `model` does not import; kUnsupported for a
// sub-graph. Operators themselves are not checked.
Result<> check_fragment(const Fragment& fragment, const onnx::ModelProto& model);

}  // namespace cloister
