#include "graph/names.h"

namespace cloister {
namespace {

bool defines(const onnx::GraphProto& graph, const std::string& name) {
  const auto is_named = [&](const auto& info) { return info.name() == name; };
  const auto makes = [&](const onnx::NodeProto& node) {
    return std::ranges::find(node.output(), name) != node.output().end();
  };
  return std::ranges::any_of(graph.input(), is_named) ||
         std::ranges::any_of(graph.initializer(), is_named) ||
         std::ranges::any_of(graph.sparse_initializer(),
                             [&](const auto& tensor) { return is_named(tensor.values()); }) ||
         std::ranges::any_of(graph.node(), makes);
}

template <typename Messages>
void rename_in(Messages& messages, const std::string& from, const std::string& to) {
  for (auto& message : messages) {
    if (message.name() == from) message.set_name(to);
  }
}

void rename_captures(onnx::GraphProto& graph, const std::string& from, const std::string& to) {
  if (defines(graph, from)) return;
  for (auto& node : *graph.mutable_node()) rename_uses(node, from, to);
  rename_in(*graph.mutable_output(), from, to);
}

}  // namespace

void collect_names(const onnx::GraphProto& graph, std::unordered_set<std::string>& names) {
  for (const auto* infos : {&graph.input(), &graph.output(), &graph.value_info()}) {
    for (const auto& info : *infos) names.insert(info.name());
  }
  for (const auto& tensor : graph.initializer()) names.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) names.insert(tensor.values().name());
  for (const auto& node : graph.node()) {
    names.insert(node.input().begin(), node.input().end());
    names.insert(node.output().begin(), node.output().end());
    for_each_subgraph(node, [&](const onnx::GraphProto& inner) { collect_names(inner, names); });
  }
}

void rename_uses(onnx::NodeProto& node, const std::string& from, const std::string& to) {
  for (std::string& input : *node.mutable_input()) {
    if (input == from) input = to;
  }
  for (auto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) rename_captures(*attribute.mutable_g(), from, to);
    for (auto& graph : *attribute.mutable_graphs()) rename_captures(graph, from, to);
  }
}

void rename_definition(onnx::GraphProto& graph, const std::string& from, const std::string& to) {
  rename_in(*graph.mutable_input(), from, to);
  rename_in(*graph.mutable_output(), from, to);
  rename_in(*graph.mutable_value_info(), from, to);
  rename_in(*graph.mutable_initializer(), from, to);
  for (auto& tensor : *graph.mutable_sparse_initializer()) {
    if (tensor.values().name() == from) tensor.mutable_values()->set_name(to);
  }
  for (auto& annotation : *graph.mutable_quantization_annotation()) {
    if (annotation.tensor_name() == from) annotation.set_tensor_name(to);
    for (auto& entry : *annotation.mutable_quant_parameter_tensor_names()) {
      if (entry.value() == from) entry.set_value(to);
    }
  }
}

}  // namespace cloister
