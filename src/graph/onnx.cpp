#include "graph/onnx.h"

#include <algorithm>
#include <unordered_set>

namespace cloister {
namespace {

// Collects names in order of first use.
struct Uses {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;

  void add(const std::string& name) {
    if (!name.empty() && seen.insert(name).second) names.push_back(name);
  }
};

// Adds what `graph` uses and does not define itself.
void add_captures(const onnx::GraphProto& graph, Uses& uses) {
  std::unordered_set<std::string> defined;
  for (const auto& input : graph.input()) defined.insert(input.name());
  for (const auto& tensor : graph.initializer()) defined.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) defined.insert(tensor.values().name());
  for (const auto& node : graph.node()) {
    defined.insert(node.output().begin(), node.output().end());
  }
  const auto add = [&](const std::string& name) {
    if (!defined.contains(name)) uses.add(name);
  };
  for (const auto& node : graph.node()) {
    for (const auto& name : used_names(node)) add(name);
  }
  for (const auto& output : graph.output()) add(output.name());
}

}  // namespace

std::string node_label(const onnx::NodeProto& node) {
  const std::string& name =
      !node.name().empty() || node.output().empty() ? node.name() : node.output(0);
  return fmt::format("{} '{}'", printable(node.op_type(), 40), printable(name));
}

bool is_onnx_domain(const std::string& domain) {
  return domain.empty() || domain == "ai.onnx";
}

void for_each_subgraph(const onnx::NodeProto& node,
                       const std::function<void(const onnx::GraphProto&)>& visit) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) visit(attribute.g());
    for (const auto& graph : attribute.graphs()) visit(graph);
  }
}

bool has_subgraph(const onnx::NodeProto& node) {
  return std::ranges::any_of(node.attribute(), [](const onnx::AttributeProto& attribute) {
    return attribute.has_g() || !attribute.graphs().empty();
  });
}

std::vector<std::string> used_names(const onnx::NodeProto& node) {
  Uses uses;
  for (const auto& name : node.input()) uses.add(name);
  for_each_subgraph(node, [&](const onnx::GraphProto& graph) { add_captures(graph, uses); });
  return std::move(uses.names);
}

}  // namespace cloister
