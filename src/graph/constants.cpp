#include "graph/constants.h"

#include "graph/weights.h"

namespace cloister {
namespace {

const onnx::TensorProto* proto_of(const Graph& graph, const Value& value) {
  if (!value.is_constant) return nullptr;
  if (value.producer == kNone) return small_initializer(graph, value);
  const onnx::NodeProto& node = *graph.nodes[value.producer].proto;
  if (node.op_type() != "Constant" || !is_onnx_domain(node.domain())) return nullptr;
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == "value" && attribute.has_t()) return &attribute.t();
  }
  return nullptr;
}

}  // namespace

const onnx::TensorProto* small_initializer(const Graph& graph, const Value& value) {
  if (!value.is_constant || value.producer != kNone || graph.model.weights.contains(value.name)) {
    return nullptr;
  }
  for (const auto& tensor : graph.model.proto->graph().initializer()) {
    if (tensor.name() == value.name) return &tensor;
  }
  return nullptr;
}

std::optional<Tensor> constant_value(const Graph& graph, const Value* value) {
  const onnx::TensorProto* proto = value == nullptr ? nullptr : proto_of(graph, *value);
  if (proto == nullptr) return std::nullopt;
  ExternalFiles none("/nonexistent");
  auto tensor = tensor_value(*proto, none);
  if (!tensor) return std::nullopt;
  return *std::move(tensor);
}

std::optional<uint64_t> constant_scalar(const Graph& graph, const Value* value) {
  const auto tensor = constant_value(graph, value);
  if (!tensor || tensor->dtype() != DType::kI64 || tensor->as<int64_t>().size() != 1 ||
      tensor->as<int64_t>()[0] < 0) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(tensor->as<int64_t>()[0]);
}

}  // namespace cloister
