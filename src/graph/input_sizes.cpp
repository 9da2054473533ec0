#include "graph/input_sizes.h"

#include "graph/onnx.h"
#include "graph/symbols.h"

namespace cloister {

Model with_input_sizes(Model model, const std::map<std::string, int64_t>& sizes) {
  onnx::ModelProto named = *model.proto;
  name_symbols(*named.mutable_graph(), {});
  onnx::ModelProto proto = *model.proto;
  auto& inputs = *proto.mutable_graph()->mutable_input();
  for (int i = 0; i < inputs.size(); ++i) {
    const auto& names = named.graph().input(i).type().tensor_type().shape();
    // Not the shape of an input that has none: asking for it would make one.
    for (int axis = 0; axis < names.dim_size(); ++axis) {
      const auto size = sizes.find(names.dim(axis).dim_param());
      if (!names.dim(axis).has_dim_param() || size == sizes.end()) continue;
      auto& shape = *inputs[i].mutable_type()->mutable_tensor_type()->mutable_shape();
      shape.mutable_dim(axis)->set_dim_value(size->second);
    }
  }
  model.proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
  return model;
}

}  // namespace cloister
