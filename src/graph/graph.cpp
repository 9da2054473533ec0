#include "graph/graph.h"

#include <queue>
#include <unordered_set>

#include "base/checked.h"
#include "graph/inline.h"
#include "graph/onnx.h"
#include "graph/schedule.h"
#include "graph/validate.h"

namespace cloister {
namespace {

using Names = std::unordered_set<std::string>;

// Operators whose result changes from run to run, so that they can't be computed twice.
bool is_random(const onnx::NodeProto& node) {
  static const Names kRandom = {"Bernoulli",        "Multinomial",   "RandomNormal",
                                "RandomNormalLike", "RandomUniform", "RandomUniformLike"};
  // Nothing is known of operators outside the standard.
  if (!is_onnx_domain(node.domain()) && node.domain() != "ai.onnx.ml") return true;
  // A third input of Dropout may switch training on.
  if (kRandom.contains(node.op_type()) || (node.op_type() == "Dropout" && node.input_size() > 2)) {
    return true;
  }
  bool random = false;
  for_each_subgraph(node, [&](const onnx::GraphProto& graph) {
    for (const auto& inner : graph.node()) random = random || is_random(inner);
  });
  return random;
}

bool gives_dimensions(const onnx::NodeProto& node) {
  return is_onnx_domain(node.domain()) && (node.op_type() == "Shape" || node.op_type() == "Size");
}

// The first input whose values may decide about the dimensions of the outputs; nothing when none
// does.
std::optional<int> first_shaping_input(const onnx::NodeProto& node) {
  static const Names kAll = {"Compress",          "ConstantOfShape", "If",    "Loop",
                             "NonMaxSuppression", "NonZero",         "Range", "Unique"};
  static const Names kOthers = {
      "AffineGrid", "CenterCropPad", "Col2Im",    "Expand",    "MaxUnpool",  "OneHot",   "Pad",
      "Reshape",    "Resize",        "Slice",     "Split",     "Squeeze",    "Tile",     "TopK",
      "Unsqueeze",  "Upsample",      "ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum"};
  if (!is_onnx_domain(node.domain())) return std::nullopt;
  if (kAll.contains(node.op_type())) return 0;
  return kOthers.contains(node.op_type()) ? std::optional(1) : std::nullopt;
}

class Builder {
 public:
  explicit Builder(Model model) : proto_(model.proto->graph()) {
    for (const auto& function : model.proto->functions()) {
      own_functions_.insert(function.domain() + "::" + function.name());
    }
    graph_.model = std::move(model);
  }

  Result<Graph> build() {
    add_values();
    const std::vector<Node> nodes = live_nodes();
    TRY(order, run_order(nodes));
    place(nodes, order);
    for (const auto& output : proto_.output()) {
      const ValueId id = graph_.ids.at(output.name());
      graph_.outputs.push_back(id);
      graph_.values[id].is_output = true;
    }
    return std::move(graph_);
  }

 private:
  ValueId value(const std::string& name) {
    const auto [entry, is_new] = graph_.ids.try_emplace(name, graph_.values.size());
    if (is_new) graph_.values.push_back({.name = name});
    return entry->second;
  }

  void add_values() {
    const auto add_constant = [&](const std::string& name) {
      graph_.values[value(name)].is_constant = true;
    };
    for (const auto& tensor : proto_.initializer()) add_constant(tensor.name());
    for (const auto& tensor : proto_.sparse_initializer()) add_constant(tensor.values().name());
    for (const auto& input : proto_.input()) {
      const ValueId id = value(input.name());
      graph_.values[id].is_input = !graph_.values[id].is_constant;
      graph_.inputs.push_back(id);
    }
  }

  // The nodes that an output depends on, in the file's order.
  std::vector<Node> live_nodes() {
    std::vector<Node> all;
    all.reserve(proto_.node_size());
    std::unordered_map<std::string, uint32_t> makers;
    for (const auto& proto : proto_.node()) {
      for (const auto& output : proto.output()) makers.emplace(output, all.size());
      all.push_back({.proto = &proto, .inputs = {}, .outputs = {}});
    }
    std::vector<bool> is_live(all.size(), false);
    std::vector<uint32_t> stack;
    const auto reach = [&](const std::string& name) {
      const auto maker = makers.find(name);
      if (name.empty() || maker == makers.end() || is_live[maker->second]) return;
      is_live[maker->second] = true;
      stack.push_back(maker->second);
    };
    for (const auto& output : proto_.output()) reach(output.name());
    std::vector<std::vector<std::string>> uses(all.size());
    while (!stack.empty()) {
      const uint32_t index = stack.back();
      stack.pop_back();
      uses[index] = used_names(*all[index].proto);
      for (const std::string& name : uses[index]) reach(name);
    }
    std::vector<Node> live;
    for (uint32_t i = 0; i < all.size(); ++i) {
      if (!is_live[i]) continue;
      for (const std::string& name : uses[i]) all[i].inputs.push_back(value(name));
      for (const std::string& name : all[i].proto->output()) {
        if (!name.empty()) all[i].outputs.push_back(value(name));
      }
      live.push_back(std::move(all[i]));
    }
    return live;
  }

  // Kahn's algorithm; among nodes that are ready, the file's order decides.
  Result<std::vector<uint32_t>> run_order(const std::vector<Node>& nodes) const {
    std::vector<uint32_t> maker(graph_.values.size(), kNone);
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      for (const ValueId id : nodes[i].outputs) maker[id] = i;
    }
    std::vector<std::vector<uint32_t>> users(nodes.size());
    std::vector<uint32_t> waiting_for(nodes.size(), 0);
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      for (const ValueId id : nodes[i].inputs) {
        if (maker[id] == kNone) continue;
        users[maker[id]].push_back(i);
        ++waiting_for[i];
      }
    }
    std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      if (waiting_for[i] == 0) ready.push(i);
    }
    std::vector<uint32_t> order;
    order.reserve(nodes.size());
    while (!ready.empty()) {
      const uint32_t index = ready.top();
      ready.pop();
      order.push_back(index);
      for (const uint32_t user : users[index]) {
        if (--waiting_for[user] == 0) ready.push(user);
      }
    }
    if (order.size() == nodes.size()) return order;
    // What still waits is on a cycle or behind one; walking to a waiting maker ends on the cycle.
    uint32_t index = 0;
    while (waiting_for[index] == 0) ++index;
    for (std::vector<bool> seen(nodes.size(), false); !seen[index];) {
      seen[index] = true;
      for (const ValueId id : nodes[index].inputs) {
        if (maker[id] != kNone && waiting_for[maker[id]] > 0) {
          index = maker[id];
          break;
        }
      }
    }
    return invalid("the nodes form a cycle through {}", node_label(*nodes[index].proto));
  }

  // Classifies the nodes in run order and puts the constant ones first.
  void place(const std::vector<Node>& nodes, const std::vector<uint32_t>& order) {
    std::vector<Node> data;
    for (const uint32_t index : order) {
      Node node = nodes[index];
      classify(node);
      (node.is_constant ? graph_.nodes : data).push_back(std::move(node));
    }
    graph_.first_data_node = static_cast<uint32_t>(graph_.nodes.size());
    for (const uint32_t index : narrow_order(data, graph_.values)) {
      graph_.nodes.push_back(std::move(data[index]));
    }
    for (uint32_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const ValueId id : graph_.nodes[i].outputs) graph_.values[id].producer = i;
    }
  }

  void classify(Node& node) {
    bool all_constant = true;
    bool only_dimensions = true;
    const bool varies = has_varying_dimensions(node);
    for (const ValueId id : node.inputs) {
      const Value& used = graph_.values[id];
      all_constant = all_constant && used.is_constant;
      only_dimensions = only_dimensions && (used.is_constant || used.is_shape_only);
    }
    const bool repeatable = !is_random(*node.proto) && !own_functions_.contains(function(node));
    const bool gives_fixed = gives_dimensions(*node.proto) && !varies;
    node.is_constant = repeatable && all_constant;
    node.is_shape_only = repeatable && !node.is_constant && (only_dimensions || gives_fixed);
    for (const ValueId id : node.outputs) {
      graph_.values[id].is_constant = node.is_constant;
      graph_.values[id].is_shape_only = node.is_shape_only;
      graph_.values[id].has_varying_dimensions = varies && !gives_dimensions(*node.proto);
    }
  }

  // Whether the dimensions of what the node makes may depend on values that the inputs decide.
  bool has_varying_dimensions(const Node& node) const {
    const auto is_data = [&](const Value& value) {
      return !value.is_constant && !value.is_shape_only;
    };
    for (const ValueId id : node.inputs) {
      if (graph_.values[id].has_varying_dimensions) return true;
    }
    const auto first = first_shaping_input(*node.proto);
    if (!first) return false;
    for (int i = *first; i < node.proto->input_size(); ++i) {
      const Value* value = graph_.input(node, i);
      if (value != nullptr && is_data(*value)) return true;
    }
    return false;
  }

  static std::string function(const Node& node) {
    return node.proto->domain() + "::" + node.proto->op_type();
  }

  const onnx::GraphProto& proto_;
  Names own_functions_;  // of the model: what is in them is not looked at
  Graph graph_;
};

}  // namespace

std::string TensorType::text(const std::vector<std::string>& names) const {
  std::string out(dtype ? dtype_name(*dtype) : "?");
  if (!dims) return dtype ? out + "[...]" : out;
  out += '[';
  for (size_t i = 0; i < dims->size(); ++i) {
    const Dim& dim = (*dims)[i];
    if (i > 0) out += ',';
    if (dim.size < 0) {
      out += i < names.size() && !names[i].empty() ? names[i] : "?";
    } else if (dim.times_batch) {
      out += dim.size == 1 ? "N" : fmt::format("{}N", dim.size);
    } else {
      out += std::to_string(dim.size);
    }
  }
  return out + ']';
}

std::optional<uint64_t> TensorType::elements() const {
  if (!dims) return std::nullopt;
  uint64_t count = 1;
  for (const Dim& dim : *dims) {
    if (dim.size < 0) return std::nullopt;
    count = saturating_mul(count, static_cast<uint64_t>(dim.size));
  }
  return count;
}

std::optional<uint64_t> TensorType::bytes() const {
  const auto count = elements();
  if (!count || !dtype || dtype_bits(*dtype) == 0) return std::nullopt;
  return saturating_add(saturating_mul(*count, dtype_bits(*dtype)), 7) / 8;
}

const Value* Graph::find(const std::string& name) const {
  const auto entry = ids.find(name);
  return entry == ids.end() ? nullptr : &values[entry->second];
}

const Value* Graph::input(const Node& node, int i) const {
  return i < node.proto->input_size() ? find(node.proto->input(i)) : nullptr;
}

Result<Graph> build_graph(Model model) {
  const bool has_functions = model.proto->functions_size() > 0;
  model = inline_functions(std::move(model));
  // Nobody has looked into functions, which may not make what they say that they make.
  if (has_functions) TRY_OK(validate(*model.proto));
  return Builder(std::move(model)).build();
}

}  // namespace cloister
