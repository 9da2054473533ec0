#include "graph/fragment.h"

#include <algorithm>
#include <unordered_set>

namespace cloister {
namespace {

// The fragment's own names, and whether each is defined before it is used.
class Local {
 public:
  // kInvalid for no name, and for one that is there.
  Result<> define(const std::string& name, std::string what) {
    if (name.empty()) return invalid("{} has no name", what);
    if (!names_.insert(name).second) {
      return invalid("{} '{}' is there twice", what, printable(name));
    }
    return {};
  }
  bool knows(const std::string& name) const { return names_.contains(name); }

 private:
  std::unordered_set<std::string> names_;
};

Result<> check_node(const onnx::NodeProto& node, const onnx::ModelProto& model, Local& local) {
  if (node.op_type().empty()) return invalid("a node has no operator");
  bool has_subgraph = false;
  for_each_subgraph(node, [&](const onnx::GraphProto&) { has_subgraph = true; });
  if (has_subgraph) {
    return fail(Kind::kUnsupported, "{} has a sub-graph", node_label(node));
  }
  const auto is_imported = [&](const onnx::OperatorSetIdProto& opset) {
    return opset.domain() == node.domain() ||
           (is_onnx_domain(opset.domain()) && is_onnx_domain(node.domain()));
  };
  if (std::ranges::none_of(model.opset_import(), is_imported)) {
    return invalid("{} is of domain '{}', which the model does not import", node_label(node),
                   printable(node.domain()));
  }
  for (const std::string& input : node.input()) {
    if (!input.empty() && !local.knows(input)) {
      return invalid("{} uses '{}', which nothing before it makes", node_label(node),
                     printable(input));
    }
  }
  for (const std::string& output : node.output()) {
    if (!output.empty()) TRY_OK(local.define(output, "output"));
  }
  return {};
}

Result<> check(const Fragment& fragment, const onnx::ModelProto& model) {
  Local local, outputs;
  for (const std::string& input : fragment.inputs) TRY_OK(local.define(input, "input"));
  for (const NamedTensor& constant : fragment.constants) {
    TRY_OK(local.define(constant.name, "constant"));
  }
  Local made;
  for (const onnx::NodeProto& node : fragment.nodes) {
    TRY_OK(check_node(node, model, local));
    for (const std::string& output : node.output()) {
      if (!output.empty()) TRY_OK(made.define(output, "output"));
    }
  }
  for (const std::string& output : fragment.outputs) {
    TRY_OK(outputs.define(output, "output"));
    if (!made.knows(output)) return invalid("no node makes output '{}'", printable(output));
  }
  return {};
}

}  // namespace

Result<> check_fragment(const Fragment& fragment, const onnx::ModelProto& model) {
  auto checked = check(fragment, model);
  return checked ? checked : with_context(checked.error(), "fragment");
}

}  // namespace cloister
