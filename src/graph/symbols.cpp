#include "graph/symbols.h"

namespace cloister {

Symbols name_symbols(onnx::GraphProto& graph, const std::set<std::string>& constants) {
  Symbols symbols;
  for (auto& input : *graph.mutable_input()) {
    if (constants.contains(input.name())) continue;
    if (!input.type().has_tensor_type() || !input.type().tensor_type().has_shape()) continue;
    auto& dims = *input.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim();
    for (int i = 0; i < dims.size(); ++i) {
      if (dims[i].has_dim_value() && dims[i].dim_value() >= 0) continue;
      if (dims[i].dim_param().empty()) {
        dims[i].set_dim_param(i == 0 ? "batch of " + input.name()
                                     : fmt::format("{}[{}]", input.name(), i));
      }
      symbols.all.insert(dims[i].dim_param());
      if (i == 0) symbols.batch.insert(dims[i].dim_param());
    }
  }
  return symbols;
}

void bind(onnx::TypeProto& type, const Bindings& bindings) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape()) return;
  for (auto& dim : *type.mutable_tensor_type()->mutable_shape()->mutable_dim()) {
    const auto bound = bindings.find(dim.dim_param());
    if (dim.has_dim_param() && bound != bindings.end()) dim.set_dim_value(bound->second);
  }
}

void bind_inputs(onnx::GraphProto& graph, const Bindings& bindings) {
  for (auto& input : *graph.mutable_input()) bind(*input.mutable_type(), bindings);
}

}  // namespace cloister
