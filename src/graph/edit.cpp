#include "graph/edit.h"

#include <algorithm>

#include "graph/extract.h"
#include "graph/names.h"
#include "graph/validate.h"
#include "graph/weights.h"

namespace cloister {
namespace {

// What a model may come to; protobuf counts in int.
constexpr size_t kMaxNodes = 1 << 24;

}  // namespace

Result<GraphEdit> GraphEdit::make(const Graph& graph) {
  // Node for node in the graph's order, so that its indices are ours.
  TRY(model, extract(graph, {0, graph.data_nodes()}, true));
  if (static_cast<size_t>(model.proto->graph().node_size()) != graph.nodes.size()) {
    return fail(Kind::kInternal, "{} nodes of a graph with {}", model.proto->graph().node_size(),
                graph.nodes.size());
  }
  return GraphEdit(graph, std::move(model));
}

GraphEdit::GraphEdit(const Graph& graph, Model model)
    : graph_(&graph),
      model_(std::move(model)),
      proto_(*model_.proto),
      changed_(graph.values.size(), false) {
  collect_names(proto_.graph(), names_);
  for (onnx::NodeProto& node : *proto_.mutable_graph()->mutable_node()) {
    nodes_.emplace_back().Swap(&node);
    const auto here = std::prev(nodes_.end());
    node_of_.push_back(here);
    for (int i = 0; i < here->output_size(); ++i) makers_[here->output(i)] = {here, i};
  }
  proto_.mutable_graph()->clear_node();
  for (const Value& value : graph.values) name_of_.push_back(value.name);
  for (const auto& output : proto_.graph().output()) outputs_.insert(output.name());
  for (const auto& input : proto_.graph().input()) given_.insert(input.name());
  for (const auto& tensor : proto_.graph().initializer()) given_.insert(tensor.name());
  for (const auto& tensor : proto_.graph().sparse_initializer()) {
    given_.insert(tensor.values().name());
  }
  const onnx::GraphProto& source = graph.model.proto->graph();
  for (const auto* infos : {&source.input(), &source.value_info()}) {
    for (const auto& info : *infos) declared_.emplace(info.name(), &info);
  }
}

Result<GraphEdit::Nodes::iterator> GraphEdit::node_at(uint32_t node) {
  if (node >= node_of_.size()) return invalid("no node {} among {}", node, node_of_.size());
  if (!node_of_[node]) return invalid("node {} was replaced", node);
  return *node_of_[node];
}

Result<std::string> GraphEdit::name(ValueId value) const {
  if (value >= name_of_.size()) return invalid("no tensor {} among {}", value, name_of_.size());
  return name_of_[value];
}

std::string GraphEdit::fresh_name(const std::string& wish) {
  std::string name = wish;
  // From where the last such wish ended, so that many are not quadratic.
  while (!names_.insert(name).second) name = fmt::format("{}:{}", wish, ++repeated_[wish]);
  return name;
}

void GraphEdit::add_initializer(const std::string& name, const Tensor& value) {
  onnx::TensorProto& proto = *proto_.mutable_graph()->add_initializer();
  given_.insert(name);
  proto.set_name(name);
  proto.set_data_type(static_cast<int32_t>(value.dtype()));
  for (const int64_t dimension : value.shape()) proto.add_dims(dimension);
  if (value.data().size() < kWeightBytes) {
    proto.set_raw_data(value.data().data(), value.data().size());
  } else {
    mark_external(proto, "weights", 0, value.data().size());
    model_.weights.emplace(name, value);
  }
}

Result<> GraphEdit::check(const Fragment& fragment) const {
  if (nodes_.size() + fragment.nodes.size() > kMaxNodes) {
    return invalid("{} nodes and {} more, at most {} are taken", nodes_.size(),
                   fragment.nodes.size(), kMaxNodes);
  }
  return check_fragment(fragment, proto_);
}

// The fragment's nodes and constants under names of this model: `inputs` and `outputs` for its own.
GraphEdit::Nodes GraphEdit::instantiate(const Fragment& fragment,
                                        const std::vector<std::string>& inputs,
                                        const std::vector<std::string>& outputs) {
  std::unordered_map<std::string, std::string> names = {{"", ""}};
  for (size_t i = 0; i < fragment.inputs.size(); ++i) names[fragment.inputs[i]] = inputs[i];
  for (size_t i = 0; i < fragment.outputs.size(); ++i) {
    // One that the replaced node left out gets a name that nobody uses.
    if (!outputs[i].empty()) names[fragment.outputs[i]] = outputs[i];
  }
  const auto named = [&](const std::string& local) {
    const auto known = names.find(local);
    return known != names.end() ? known->second : names[local] = fresh_name(local);
  };
  for (const NamedTensor& constant : fragment.constants) {
    add_initializer(named(constant.name), constant.tensor);
  }
  Nodes nodes(fragment.nodes.begin(), fragment.nodes.end());
  for (onnx::NodeProto& node : nodes) {
    for (std::string& input : *node.mutable_input()) input = named(input);
    for (std::string& output : *node.mutable_output()) output = named(output);
  }
  return nodes;
}

void GraphEdit::place(Nodes nodes, Nodes::const_iterator before) {
  for (auto node = nodes.begin(); node != nodes.end(); ++node) {
    for (int i = 0; i < node->output_size(); ++i) makers_[node->output(i)] = {node, i};
  }
  nodes_.splice(before, nodes);  // its iterators stay valid
}

Result<> GraphEdit::insert(ValueId at, const Fragment& fragment) {
  TRY(from, name(at));
  const std::string now = from;
  if (fragment.inputs.size() != 1 || fragment.outputs.size() != 1) {
    return invalid("a fragment with {} inputs and {} outputs to insert, want 1 and 1",
                   fragment.inputs.size(), fragment.outputs.size());
  }
  TRY_OK(check(fragment));
  const auto maker = makers_.find(now);
  if (maker != makers_.end()) {
    // Users keep the name, so that sub-graphs and outputs need not be touched.
    const std::string before = fresh_name(now + ":before");
    const Maker made = maker->second;
    Nodes nodes = instantiate(fragment, {before}, {now});
    made.node->set_output(made.slot, before);
    makers_[before] = made;
    place(std::move(nodes), std::next(made.node));
  } else {
    if (outputs_.contains(now)) {
      return fail(Kind::kUnsupported, "'{}' is an output and made by no node", printable(now));
    }
    const std::string behind = fresh_name(now + ":behind");
    Nodes nodes = instantiate(fragment, {now}, {behind});
    for (onnx::NodeProto& node : nodes_) rename_uses(node, now, behind);
    place(std::move(nodes), nodes_.begin());
    name_of_[at] = behind;
  }
  if (!fragment.keeps_types) changed_[at] = true;
  return {};
}

Result<> GraphEdit::replace(uint32_t node, const Fragment& fragment) {
  TRY(old, node_at(node));
  const std::vector<std::string> inputs(old->input().begin(), old->input().end());
  const std::vector<std::string> outputs(old->output().begin(), old->output().end());
  if (fragment.inputs.size() > inputs.size() || fragment.outputs.size() != outputs.size()) {
    return invalid("a fragment with {} inputs and {} outputs in place of {}, which has {} and {}",
                   fragment.inputs.size(), fragment.outputs.size(), node_label(*old), inputs.size(),
                   outputs.size());
  }
  TRY_OK(check(fragment));
  Nodes nodes = instantiate(fragment, inputs, outputs);
  for (const std::string& output : outputs) makers_.erase(output);
  place(std::move(nodes), old);
  nodes_.erase(old);
  node_of_[node].reset();
  if (fragment.keeps_types) return {};
  for (const ValueId id : graph_->nodes[node].outputs) changed_[id] = true;
  return {};
}

Result<> GraphEdit::rename(ValueId value, const std::string& to) {
  TRY(now, name(value));
  const std::string from = now;
  if (to.empty()) return invalid("no new name for '{}'", printable(from));
  if (names_.contains(to)) return invalid("'{}' is there already", printable(to));
  names_.insert(to);
  rename_definition(*proto_.mutable_graph(), from, to);
  for (onnx::NodeProto& node : nodes_) rename_uses(node, from, to);
  if (auto maker = makers_.extract(from)) {
    maker.mapped().node->set_output(maker.mapped().slot, to);
    maker.key() = to;
    makers_.insert(std::move(maker));
  }
  if (auto weight = model_.weights.extract(from)) {
    weight.key() = to;
    model_.weights.insert(std::move(weight));
  }
  if (outputs_.erase(from) > 0) outputs_.insert(to);
  if (given_.erase(from) > 0) given_.insert(to);
  name_of_[value] = to;
  return {};
}

Result<> GraphEdit::label(uint32_t node, const std::string& label) {
  TRY(found, node_at(node));
  found->set_name(label);
  return {};
}

Result<> GraphEdit::add_output(ValueId value) {
  TRY(wanted, name(value));
  if (!outputs_.insert(wanted).second) {
    return invalid("'{}' is an output already", printable(wanted));
  }
  onnx::ValueInfoProto& output = *proto_.mutable_graph()->add_output();
  const auto declared = declared_.find(graph_->values[value].name);
  if (declared != declared_.end()) output = *declared->second;
  output.set_name(wanted);
  const TensorType& type = graph_->values[value].type;
  if (type.dtype) set_type(*graph_, type, *output.mutable_type());
  return {};
}

Result<std::string> GraphEdit::add_constant(const std::string& wish, const Tensor& value) {
  if (wish.empty()) return invalid("no name for a constant");
  const std::string name = fresh_name(wish);
  add_initializer(name, value);
  return name;
}

Result<> GraphEdit::set_input(uint32_t node, int slot, const std::string& name) {
  TRY(found, node_at(node));
  if (slot < 0 || slot >= found->input_size()) {
    return invalid("no input {} of {}, which has {}", slot, node_label(*found),
                   found->input_size());
  }
  if (!makers_.contains(name) && !given_.contains(name)) {
    return invalid("no tensor '{}'", printable(name));
  }
  found->set_input(slot, name);
  return {};
}

// Drops declarations of what a change of types reaches, and second ones of outputs.
void GraphEdit::tidy_declarations() {
  std::unordered_set<std::string> gone;
  for (const Node& node : graph_->nodes) {
    const auto is_changed = [&](ValueId id) { return changed_[id]; };
    if (!std::ranges::any_of(node.inputs, is_changed)) continue;
    for (const ValueId id : node.outputs) changed_[id] = true;
  }
  for (ValueId id = 0; id < changed_.size(); ++id) {
    if (changed_[id]) gone.insert(name_of_[id]);
  }
  auto& graph = *proto_.mutable_graph();
  auto& infos = *graph.mutable_value_info();
  const auto unwanted = [&](const auto& info) {
    return gone.contains(info.name()) || outputs_.contains(info.name());
  };
  infos.erase(std::remove_if(infos.begin(), infos.end(), unwanted), infos.end());
  for (auto& output : *graph.mutable_output()) {
    if (gone.contains(output.name())) output.clear_type();
  }
}

Result<Model> GraphEdit::finish() && {
  tidy_declarations();
  auto& nodes = *proto_.mutable_graph()->mutable_node();
  for (onnx::NodeProto& node : nodes_) nodes.Add()->Swap(&node);
  TRY_OK(validate(proto_));
  model_.proto = std::make_shared<const onnx::ModelProto>(std::move(proto_));
  TRY_OK(build_graph(model_));
  return std::move(model_);
}

}  // namespace cloister
