// Asking an engine for the types of a model's tensors. Used by types.cpp.
#pragma once

#include "graph/onnx.h"
#include "graph/types.h"

namespace cloister {

bool is_complete(const ProbedType& type);

// Types of the tensors `names` of `model`, in their order, by inference: its outputs are replaced
// by them, and the initializers that `weights` has values for become inputs.
Result<std::vector<ProbedType>> infer_named(onnx::ModelProto model,
                                            const std::map<std::string, Tensor>& weights,
                                            const std::vector<std::string>& names,
                                            const TypeProbe& probe);

// The same by running it.
Result<std::vector<ProbedType>> run_named(onnx::ModelProto model,
                                          const std::map<std::string, Tensor>& weights,
                                          const std::vector<std::string>& names,
                                          const TypeProbe& probe);

}  // namespace cloister
