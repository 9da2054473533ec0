#include "graph/dynamic_batch.h"

#include <algorithm>

#include "graph/constants.h"
#include "graph/edit.h"

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

// The target of a Reshape with its leading 1 made to follow the batch; nothing where it needs none.
std::optional<std::vector<int64_t>> following_batch(const Graph& graph, const Node& node) {
  if (node.is_constant || node.proto->op_type() != "Reshape" ||
      !is_onnx_domain(node.proto->domain())) {
    return std::nullopt;
  }
  const auto value = constant_value(graph, graph.input(node, 1));
  if (!value || value->dtype() != DType::kI64) return std::nullopt;
  std::vector<int64_t> dimensions(value->as<int64_t>().begin(), value->as<int64_t>().end());
  if (dimensions.empty() || dimensions[0] != 1) return std::nullopt;
  const bool has_free = std::ranges::find(dimensions, -1) != dimensions.end();
  dimensions[0] = has_free ? 0 : -1;  // 0: as the input's; only one -1 is allowed
  return dimensions;
}

}  // namespace

Result<Model> make_batch_symbolic(const Graph& graph) {
  TRY(edit, GraphEdit::make(graph));
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    const auto target = following_batch(graph, graph.nodes[i]);
    if (!target) continue;
    TRY(tensor, Tensor::copy_of(DType::kI64, {static_cast<int64_t>(target->size())},
                                std::as_bytes(std::span(*target))));
    TRY(name, edit.add_constant(graph.nodes[i].proto->output(0) + ":batch_shape", tensor));
    TRY_OK(edit.set_input(i, 1, name));
  }
  TRY(model, std::move(edit).finish());
  // The file is that of the model as it was, by whose digest records know it.
  model.file_sha256 = graph.model.file_sha256;
  onnx::ModelProto proto = *model.proto;
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
  model.proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
  return std::move(model);
}

}  // namespace cloister
