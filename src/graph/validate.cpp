#include "graph/validate.h"

#include <unordered_map>

#include "graph/onnx.h"

namespace cloister {
namespace {

// Names visible at a point of a graph: its own, then those of the graphs around it.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}

  // Defines `name` as made by `maker` ("input", "Conv 'c1'"). kInvalid when it is empty or already
  // made by something else in this very graph.
  Result<> define(const std::string& name, const std::string& maker) {
    if (name.empty()) return invalid("{} has no name", maker);
    const auto [entry, is_new] = makers_.emplace(name, maker);
    if (!is_new) {
      return invalid("tensor '{}' is defined twice: by {} and by {}", printable(name),
                     entry->second, maker);
    }
    return {};
  }

  bool knows(const std::string& name) const {
    return makers_.contains(name) || (outer_ != nullptr && outer_->knows(name));
  }

 private:
  const Scope* outer_;
  std::unordered_map<std::string, std::string> makers_;
};

Result<> check_graph(const onnx::GraphProto& graph, const Scope* outer);

Result<> define_all(const onnx::GraphProto& graph, Scope& scope) {
  std::unordered_map<std::string, bool> inputs;
  for (int i = 0; i < graph.input_size(); ++i) {
    TRY_OK(scope.define(graph.input(i).name(), fmt::format("input {}", i)));
    inputs[graph.input(i).name()] = false;
  }
  // An initializer may give an input its default value (and must be an input too before IR 4).
  const auto define_initializer = [&](const std::string& name, int i) -> Result<> {
    if (const auto input = inputs.find(name); input != inputs.end() && !input->second) {
      input->second = true;
      return {};
    }
    return scope.define(name, fmt::format("initializer {}", i));
  };
  for (int i = 0; i < graph.initializer_size(); ++i) {
    TRY_OK(define_initializer(graph.initializer(i).name(), i));
  }
  for (int i = 0; i < graph.sparse_initializer_size(); ++i) {
    TRY_OK(define_initializer(graph.sparse_initializer(i).values().name(), i));
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& node = graph.node(i);
    if (node.op_type().empty()) {
      return invalid("node {} ('{}') has no operator", i, printable(node.name()));
    }
    for (const auto& output : node.output()) {
      // An empty output is an optional one that is not wanted.
      if (!output.empty()) TRY_OK(scope.define(output, node_label(node)));
    }
  }
  return {};
}

Result<> check_node(const onnx::NodeProto& node, const Scope& scope) {
  for (const auto& input : node.input()) {
    if (!input.empty() && !scope.knows(input)) {
      return invalid("{} uses tensor '{}', which nothing defines", node_label(node),
                     printable(input));
    }
  }
  Result<> checked;
  for_each_subgraph(node, [&](const onnx::GraphProto& graph) {
    if (checked) checked = check_graph(graph, &scope);
  });
  if (!checked) return with_context(checked.error(), "in " + node_label(node));
  return {};
}

Result<> check_graph(const onnx::GraphProto& graph, const Scope* outer) {
  Scope scope(outer);
  TRY_OK(define_all(graph, scope));
  for (const auto& node : graph.node()) TRY_OK(check_node(node, scope));
  std::unordered_map<std::string, bool> seen;
  for (int i = 0; i < graph.output_size(); ++i) {
    const std::string& name = graph.output(i).name();
    if (name.empty()) return invalid("output {} has no name", i);
    if (!scope.knows(name)) {
      return invalid("no node outputs '{}', an output of the model", printable(name));
    }
    if (outer == nullptr && !seen.emplace(name, true).second) {
      return invalid("output '{}' is listed twice", printable(name));
    }
  }
  return {};
}

Result<> check_functions(const onnx::ModelProto& model) {
  std::unordered_map<std::string, bool> seen;
  for (const auto& function : model.functions()) {
    const std::string name = function.domain() + "::" + function.name();
    // Newer functions have an overload, too; it is among the fields that protobuf does not know.
    std::string overload;
    function.unknown_fields().SerializeToString(&overload);
    if (function.name().empty()) return invalid("a model-local function has no name");
    if (!seen.emplace(name + overload, true).second) {
      return invalid("model-local function '{}' is defined twice", printable(name));
    }
  }
  return {};
}

}  // namespace

Result<> validate(const onnx::ModelProto& model) {
  if (!model.has_graph() || (model.graph().node().empty() && model.graph().output().empty())) {
    return invalid("no graph in it: this is not an ONNX model");
  }
  if (model.ir_version() < 1) return invalid("IR version {}, want 1 or more", model.ir_version());
  if (model.opset_import().empty() && model.ir_version() >= 3) {
    return invalid("no opset import, want at least one");
  }
  std::unordered_map<std::string, int64_t> opsets;
  for (const auto& opset : model.opset_import()) {
    const std::string domain = is_onnx_domain(opset.domain()) ? "" : opset.domain();
    const auto [entry, is_new] = opsets.emplace(domain, opset.version());
    if (!is_new && entry->second != opset.version()) {
      return invalid("opset imports of domain '{}' disagree: {} and {}", printable(domain),
                     entry->second, opset.version());
    }
  }
  TRY_OK(check_functions(model));
  if (model.graph().output().empty()) return invalid("the graph has no outputs");
  return check_graph(model.graph(), nullptr);
}

}  // namespace cloister
