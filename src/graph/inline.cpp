#include "graph/inline.h"

#include <set>
#include <unordered_map>
#include <unordered_set>

#include "graph/names.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

// Functions that call each other twice each double with every level.
constexpr size_t kMostAdded = 200'000;  // nodes
constexpr int kMostDepth = 64;

std::string key_of(const std::string& domain, const std::string& name) {
  return (is_onnx_domain(domain) ? "" : domain) + "::" + name;
}

std::string domain_of(const onnx::OperatorSetIdProto& opset) {
  return is_onnx_domain(opset.domain()) ? "" : opset.domain();
}

// Fields that Debian's ONNX does not know yet: 12 holds declarations, 14 metadata; others change
// what the function means.
bool has_unknown_meaning(const onnx::FunctionProto& function) {
  const auto& unknown = function.unknown_fields();
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).number() != 12 && unknown.field(i).number() != 14) return true;
  }
  return false;
}

class Inliner {
 public:
  explicit Inliner(onnx::ModelProto& model) : model_(model) {
    for (const auto& opset : model.opset_import()) {
      versions_[domain_of(opset)] = opset.version();
    }
    for (const auto& function : model.functions()) {
      if (!can_inline(function)) continue;
      functions_.emplace(key_of(function.domain(), function.name()), &function);
      for (const auto& opset : function.opset_import()) {
        if (versions_.emplace(domain_of(opset), opset.version()).second) wanted_.push_back(opset);
      }
    }
    std::unordered_set<std::string> names;
    collect_names(model.graph(), names);
    names_.insert(names.begin(), names.end());
  }

  // Whether anything was replaced.
  bool run() {
    if (!functions_.empty()) inline_in(*model_.mutable_graph()->mutable_node(), 0);
    if (inlined_.empty()) return false;
    for (const auto& opset : wanted_) *model_.add_opset_import() = opset;
    drop_unused();
    return true;
  }

 private:
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

  // What a call gives to the function that it calls.
  struct Call {
    std::string prefix;                                  // of names that it defines
    std::unordered_map<std::string, std::string> names;  // of parameters
    std::unordered_map<std::string, const onnx::AttributeProto*> attributes;
  };

  bool can_inline(const onnx::FunctionProto& function) const {
    if (has_unknown_meaning(function)) return false;
    for (const auto& opset : function.opset_import()) {
      const auto known = versions_.find(domain_of(opset));
      if (known != versions_.end() && known->second != opset.version()) return false;
    }
    return true;
  }

  const onnx::FunctionProto* called(const onnx::NodeProto& node) const {
    const auto function = functions_.find(key_of(node.domain(), node.op_type()));
    const bool overloaded = !node.unknown_fields().empty();
    if (function == functions_.end() || overloaded) return nullptr;
    const bool fits = node.input_size() <= function->second->input_size() &&
                      node.output_size() <= function->second->output_size();
    return fits ? function->second : nullptr;
  }

  void inline_in(Nodes& nodes, int depth) {
    Nodes out;
    for (auto& node : nodes) {
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) inline_in(*attribute.mutable_g()->mutable_node(), depth);
        for (auto& graph : *attribute.mutable_graphs()) inline_in(*graph.mutable_node(), depth);
      }
      const onnx::FunctionProto* function = depth < kMostDepth ? called(node) : nullptr;
      const auto size = function == nullptr ? 0 : static_cast<size_t>(function->node_size());
      if (function == nullptr || added_ + size > kMostAdded) {
        *out.Add() = std::move(node);
        continue;
      }
      added_ += size;
      inlined_.insert(key_of(node.domain(), node.op_type()));
      Nodes body = instantiate(*function, node);
      inline_in(body, depth + 1);
      for (auto& inner : body) *out.Add() = std::move(inner);
    }
    nodes.Swap(&out);
  }

  Nodes instantiate(const onnx::FunctionProto& function, const onnx::NodeProto& node) {
    Call call;
    call.prefix = fresh_prefix(node);
    for (int i = 0; i < function.input_size(); ++i) {
      call.names[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    }
    for (const auto& attribute : node.attribute()) {
      call.attributes[attribute.name()] = &attribute;
    }
    Nodes body = function.node();
    Nodes forwards;
    for (int i = 0; i < function.output_size(); ++i) {
      const bool is_wanted = i < node.output_size() && !node.output(i).empty();
      if (!is_wanted) continue;
      // An output that is a parameter, or one that is given twice, is handed on by a node.
      if (call.names.emplace(function.output(i), node.output(i)).second) continue;
      auto& forward = *forwards.Add();
      forward.set_op_type("Identity");
      forward.set_name(call.prefix + "forward");
      forward.add_input(call.names.at(function.output(i)));
      forward.add_output(node.output(i));
    }
    for (auto& inner : body) bind(inner, call);
    for (auto& forward : forwards) *body.Add() = std::move(forward);
    return body;
  }

  std::string fresh_prefix(const onnx::NodeProto& node) {
    std::string stem = node.name();
    for (const auto& output : node.output()) {
      if (output.empty()) continue;
      stem = output;
      break;
    }
    std::string prefix = stem + "/";
    for (size_t i = 2; !prefixes_.insert(prefix).second || is_taken(prefix); ++i) {
      prefix = fmt::format("{}:{}/", stem, i);
    }
    return prefix;
  }

  // Whether a tensor of the graph has a name that begins so.
  bool is_taken(const std::string& prefix) const {
    const auto next = names_.lower_bound(prefix);
    return next != names_.end() && next->starts_with(prefix);
  }

  static std::string renamed(const std::string& name, const Call& call) {
    if (name.empty()) return name;
    const auto given = call.names.find(name);
    return given == call.names.end() ? call.prefix + name : given->second;
  }

  static void bind(onnx::NodeProto& node, const Call& call) {
    if (!node.name().empty()) node.set_name(call.prefix + node.name());
    for (auto& input : *node.mutable_input()) input = renamed(input, call);
    for (auto& output : *node.mutable_output()) output = renamed(output, call);
    google::protobuf::RepeatedPtrField<onnx::AttributeProto> attributes;
    for (auto& attribute : *node.mutable_attribute()) {
      if (!attribute.ref_attr_name().empty()) {
        const auto given = call.attributes.find(attribute.ref_attr_name());
        if (given == call.attributes.end()) continue;  // the operator's default
        auto& bound = *attributes.Add();
        bound = *given->second;
        bound.set_name(attribute.name());
        continue;
      }
      if (attribute.has_g()) bind(*attribute.mutable_g(), call);
      for (auto& graph : *attribute.mutable_graphs()) bind(graph, call);
      *attributes.Add() = std::move(attribute);
    }
    node.mutable_attribute()->Swap(&attributes);
  }

  static void bind(onnx::GraphProto& graph, const Call& call) {
    for (auto* infos :
         {graph.mutable_input(), graph.mutable_output(), graph.mutable_value_info()}) {
      for (auto& info : *infos) info.set_name(renamed(info.name(), call));
    }
    for (auto& tensor : *graph.mutable_initializer()) tensor.set_name(renamed(tensor.name(), call));
    for (auto& tensor : *graph.mutable_sparse_initializer()) {
      auto& values = *tensor.mutable_values();
      values.set_name(renamed(values.name(), call));
    }
    for (auto& node : *graph.mutable_node()) bind(node, call);
  }

  // Functions whose last call was replaced.
  void drop_unused() {
    std::unordered_map<std::string, const onnx::FunctionProto*> all;
    for (const auto& function : model_.functions()) {
      all.emplace(key_of(function.domain(), function.name()), &function);
    }
    std::unordered_set<std::string> used;
    std::vector<const Nodes*> open = {&model_.graph().node()};
    const auto note = [&](const onnx::NodeProto& node) {
      const auto function = all.find(key_of(node.domain(), node.op_type()));
      if (function == all.end() || !used.insert(function->first).second) return;
      open.push_back(&function->second->node());
    };
    while (!open.empty()) {
      const Nodes& nodes = *open.back();
      open.pop_back();
      for (const auto& node : nodes) {
        note(node);
        for_each_subgraph(node,
                          [&](const onnx::GraphProto& graph) { open.push_back(&graph.node()); });
      }
    }
    google::protobuf::RepeatedPtrField<onnx::FunctionProto> kept;
    for (auto& function : *model_.mutable_functions()) {
      const std::string key = key_of(function.domain(), function.name());
      if (used.contains(key) || !inlined_.contains(key)) {
        *kept.Add() = std::move(function);
      }
    }
    model_.mutable_functions()->Swap(&kept);
  }

  onnx::ModelProto& model_;
  std::unordered_map<std::string, int64_t> versions_;  // of opsets, by domain
  std::vector<onnx::OperatorSetIdProto> wanted_;       // by functions alone
  std::unordered_map<std::string, const onnx::FunctionProto*> functions_;
  std::set<std::string> names_;
  std::unordered_set<std::string> prefixes_;
  std::unordered_set<std::string> inlined_;  // functions, by key
  size_t added_ = 0;
};

}  // namespace

Model inline_functions(Model model) {
  if (model.proto->functions().empty()) return model;
  onnx::ModelProto proto = *model.proto;
  if (Inliner(proto).run())
    model.proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
  return model;
}

}  // namespace cloister
