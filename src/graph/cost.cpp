#include "graph/cost.h"

#include <unordered_set>

#include "base/checked.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

using Count = std::optional<uint64_t>;

Count product(Count a, Count b) {
  if (!a || !b) return std::nullopt;
  return saturating_mul(*a, *b);
}

// Dimension `axis` of a value; counted from the end when negative.
Count dimension(const Value* value, int axis) {
  if (value == nullptr || !value->type.dims) return std::nullopt;
  const auto& dims = *value->type.dims;
  const auto rank = static_cast<int>(dims.size());
  const int index = axis < 0 ? rank + axis : axis;
  if (index < 0 || index >= rank || dims[index].size < 0) return std::nullopt;
  return static_cast<uint64_t>(dims[index].size);
}

Count elements(const Value* value) {
  return value == nullptr ? std::nullopt : value->type.elements();
}

const Value* output(const Graph& graph, const Node& node) {
  return node.outputs.empty() ? nullptr : &graph.values[node.outputs[0]];
}

int64_t int_attribute(const Node& node, const char* name, int64_t otherwise) {
  for (const auto& attribute : node.proto->attribute()) {
    if (attribute.name() == name) return attribute.i();
  }
  return otherwise;
}

// Weights are [out, in/groups, k...]: each output element sums over all but the first dimension.
Count convolution(const Graph& graph, const Node& node, int weight) {
  const Value* w = graph.input(node, weight);
  const Count filters = dimension(w, 0);
  const Count all = elements(w);
  if (!filters || !all || *filters == 0) return std::nullopt;
  return product(elements(output(graph, node)), *all / *filters);
}

// Weights are [in, out/groups, k...]: each input element is spread over all but the first
// dimension.
Count transposed_convolution(const Graph& graph, const Node& node) {
  const Value* w = graph.input(node, 1);
  const Count channels = dimension(w, 0);
  const Count all = elements(w);
  if (!channels || !all || *channels == 0) return std::nullopt;
  return product(elements(graph.input(node, 0)), *all / *channels);
}

Count matrix_product(const Graph& graph, const Node& node) {
  const int inner = int_attribute(node, "transA", 0) != 0 ? -2 : -1;  // FusedMatMul has it
  return product(elements(output(graph, node)), dimension(graph.input(node, 0), inner));
}

Count gemm(const Graph& graph, const Node& node) {
  const int inner = int_attribute(node, "transA", 0) != 0 ? 0 : 1;
  return product(elements(output(graph, node)), dimension(graph.input(node, 0), inner));
}

// X is [steps, batch, in]; W [directions, gates*hidden, in] and R [directions, gates*hidden,
// hidden] are applied at each step.
Count recurrent(const Graph& graph, const Node& node) {
  const Count w = elements(graph.input(node, 1));
  const Count r = elements(graph.input(node, 2));
  if (!w || !r) return std::nullopt;
  const Count runs =
      product(dimension(graph.input(node, 0), 0), dimension(graph.input(node, 0), 1));
  return product(runs, saturating_add(*w, *r));
}

using Rule = Count (*)(const Graph&, const Node&);

const std::unordered_map<std::string, Rule>& rules() {
  static const std::unordered_map<std::string, Rule> kRules = {
      {"Conv", [](const Graph& g, const Node& n) { return convolution(g, n, 1); }},
      {"ConvInteger", [](const Graph& g, const Node& n) { return convolution(g, n, 1); }},
      {"FusedConv", [](const Graph& g, const Node& n) { return convolution(g, n, 1); }},
      {"QLinearConv", [](const Graph& g, const Node& n) { return convolution(g, n, 3); }},
      {"ConvTranspose", transposed_convolution},
      {"MatMul", matrix_product},
      {"MatMulInteger", matrix_product},
      {"QLinearMatMul", matrix_product},
      {"FusedMatMul", matrix_product},
      {"Gemm", gemm},
      {"LSTM", recurrent},
      {"GRU", recurrent},
      {"RNN", recurrent},
  };
  return kRules;
}

}  // namespace

std::optional<uint64_t> node_macs(const Graph& graph, const Node& node) {
  if (node.is_constant) return 0;
  const std::string& domain = node.proto->domain();
  if (!is_onnx_domain(domain) && domain != "com.microsoft") return 0;
  const auto rule = rules().find(node.proto->op_type());
  return rule == rules().end() ? 0 : rule->second(graph, node);
}

uint64_t node_constant_bytes(const Node& node) {
  if (node.proto->op_type() != "Constant") return 0;
  uint64_t bytes = 0;
  for (const auto& attribute : node.proto->attribute()) {
    const auto dtype = dtype_from_onnx(attribute.t().data_type());
    if (!attribute.has_t() || !dtype) continue;
    const Shape shape(attribute.t().dims().begin(), attribute.t().dims().end());
    bytes = saturating_add(bytes, byte_count(*dtype, shape).value_or(0));
  }
  return bytes;
}

uint64_t trainable_parameters(const Graph& graph) {
  std::unordered_set<ValueId> statistics;
  std::unordered_set<ValueId> used;
  for (const Node& node : graph.nodes) {
    used.insert(node.inputs.begin(), node.inputs.end());
    if (node.proto->op_type() != "BatchNormalization" || node.proto->input_size() < 5) continue;
    for (int i = 3; i < 5; ++i) {
      const auto id = graph.ids.find(node.proto->input(i));  // not there when it is left out
      if (id != graph.ids.end()) statistics.insert(id->second);
    }
  }
  uint64_t total = 0;
  for (const ValueId id : used) {
    const Value& value = graph.values[id];
    const bool is_initializer = value.is_constant && value.producer == kNone;
    if (!is_initializer || statistics.contains(id) || !value.type.dtype || !value.type.dims) {
      continue;
    }
    if (!is_floating(*value.type.dtype) || value.type.dims->empty()) continue;
    total = saturating_add(total, value.type.elements().value_or(0));
  }
  return total;
}

}  // namespace cloister
