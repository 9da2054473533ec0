#include "graph/dynamic_batch.h"

#include <algorithm>

#include "graph/onnx.h"
#include "graph/weights.h"

namespace cloister {
namespace {

onnx::TensorShapeProto* shape_of(onnx::ValueInfoProto& info) {
  auto& type = *info.mutable_type();
  return type.has_tensor_type() && type.tensor_type().has_shape()
             ? type.mutable_tensor_type()->mutable_shape()
             : nullptr;
}

Result<> free_inputs(const Graph& graph, onnx::GraphProto& proto) {
  for (auto& input : *proto.mutable_input()) {
    if (!graph.find(input.name())->is_input) continue;
    auto* shape = shape_of(input);
    if (shape == nullptr || shape->dim_size() == 0 || shape->dim(0).dim_value() != 1) {
      return fail(Kind::kUnsupported, "--dynamic-batch: input '{}' has no first dimension of 1",
                  printable(input.name()));
    }
    shape->mutable_dim(0)->set_dim_param(kBatchSymbol);
  }
  return {};
}

// The constant value that input `i` of a node has, if it is a small initializer or a Constant.
std::optional<onnx::TensorProto> constant_input(const Graph& graph, const Node& node, int i) {
  const Value* value = graph.input(node, i);
  if (value == nullptr || !value->is_constant) return std::nullopt;
  if (value->producer != kNone) {
    if (graph.nodes[value->producer].proto->op_type() != "Constant") return std::nullopt;
    for (const auto& attribute : graph.nodes[value->producer].proto->attribute()) {
      if (attribute.name() == "value") return attribute.t();
    }
    return std::nullopt;
  }
  for (const auto& tensor : graph.model.proto->graph().initializer()) {
    if (tensor.name() == value->name) return tensor;
  }
  return std::nullopt;
}

// The target of a Reshape with its leading 1 made to follow the batch; nothing where it needs none.
std::optional<std::vector<int64_t>> following_batch(const Graph& graph, const Node& node) {
  if (node.is_constant || node.proto->op_type() != "Reshape" ||
      !is_onnx_domain(node.proto->domain())) {
    return std::nullopt;
  }
  const auto target = constant_input(graph, node, 1);
  if (!target || target->data_type() != onnx::TensorProto::INT64) return std::nullopt;
  ExternalFiles none("/nonexistent");
  const auto value = tensor_value(*target, none);
  if (!value) return std::nullopt;
  std::vector<int64_t> dimensions(value->as<int64_t>().begin(), value->as<int64_t>().end());
  if (dimensions.empty() || dimensions[0] != 1) return std::nullopt;
  const bool has_free = std::ranges::find(dimensions, -1) != dimensions.end();
  dimensions[0] = has_free ? 0 : -1;  // 0: as the input's; only one -1 is allowed
  return dimensions;
}

}  // namespace

Result<Model> make_batch_symbolic(const Graph& graph) {
  onnx::ModelProto proto = *graph.model.proto;
  onnx::GraphProto& out = *proto.mutable_graph();
  TRY_OK(free_inputs(graph, out));
  // Inferred again; what the file says holds for a batch of 1 only.
  out.clear_value_info();
  for (auto& output : *out.mutable_output()) {
    auto* shape = shape_of(output);
    if (shape != nullptr && shape->dim_size() > 0 && shape->dim(0).dim_value() == 1) {
      shape->mutable_dim(0)->set_dim_param(kBatchSymbol);
    }
  }
  std::unordered_map<std::string, std::vector<int64_t>> targets;  // by the Reshape's output
  for (const Node& node : graph.nodes) {
    if (auto target = following_batch(graph, node)) targets[node.proto->output(0)] = *target;
  }
  for (auto& node : *out.mutable_node()) {
    const auto target = node.output().empty() ? targets.end() : targets.find(node.output(0));
    if (target == targets.end()) continue;
    auto& tensor = *out.add_initializer();
    tensor.set_name(node.output(0) + ":batch_shape");
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(static_cast<int64_t>(target->second.size()));
    tensor.set_raw_data(target->second.data(), target->second.size() * sizeof(int64_t));
    node.set_input(1, tensor.name());
  }
  Model model = graph.model;
  model.proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
  return model;
}

}  // namespace cloister
