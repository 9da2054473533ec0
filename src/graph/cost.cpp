#include "graph/cost.h"

#include <cctype>
#include <functional>
#include <map>
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

std::string text_attribute(const Node& node, const char* name) {
  for (const auto& attribute : node.proto->attribute()) {
    if (attribute.name() == name) return attribute.s();
  }
  return "";
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

Count plain_convolution(const Graph& graph, const Node& node) {
  return convolution(graph, node, 1);
}

// Behind the scale and the zero point of the input.
Count quantized_convolution(const Graph& graph, const Node& node) {
  return convolution(graph, node, 3);
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

// The letters of one term of an equation, without spaces; nothing for an ellipsis.
std::optional<std::string> einsum_letters(std::string_view term) {
  std::string letters;
  for (const char c : term) {
    if (c == ' ') continue;
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) return std::nullopt;
    letters += c;
  }
  return letters;
}

// Two factors: a multiplication for each combination of all letters. More are multiplied in an
// order that the engine chooses.
Count einsum(const Graph& graph, const Node& node) {
  if (node.proto->input_size() < 2) return 0;
  if (node.proto->input_size() > 2) return std::nullopt;
  const std::string equation = text_attribute(node, "equation");
  const std::string_view factors = std::string_view(equation).substr(0, equation.find("->"));
  const size_t comma = factors.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  std::map<char, uint64_t> sizes;
  for (int i = 0; i < 2; ++i) {
    const auto letters =
        einsum_letters(i == 0 ? factors.substr(0, comma) : factors.substr(comma + 1));
    if (!letters) return std::nullopt;
    for (size_t axis = 0; axis < letters->size(); ++axis) {
      const Count size = dimension(graph.input(node, i), static_cast<int>(axis));
      if (!size) return std::nullopt;
      uint64_t& known = sizes[(*letters)[axis]];
      known = std::max(known, *size);  // 1 is spread
    }
  }
  uint64_t count = 1;
  for (const auto& [_, size] : sizes) count = saturating_mul(count, size);
  return count;
}

// Queries [batch, steps, width] or [batch, heads, steps, head width] against keys and values of the
// same kinds: scores and their weighted sums. Input `past` may hold more keys.
Count attention(const Graph& graph, const Node& node, int past) {
  const Value* query = graph.input(node, 0);
  const Value* key = graph.input(node, 1);
  const Value* value = graph.input(node, 2);
  for (const Value* given : {query, key, value}) {
    if (given == nullptr || !given->type.dims) return std::nullopt;
  }
  if (graph.input(node, past) != nullptr) return std::nullopt;
  if (key->type.dims->size() != query->type.dims->size()) return std::nullopt;
  const Count steps = dimension(key, -2);
  const Count scores = product(elements(query), steps);
  const Count width = dimension(query, -1);
  if (!scores || !width || *width == 0) return std::nullopt;
  const Count sums = product(*scores / *width, dimension(value, -1));
  if (!sums) return std::nullopt;
  return saturating_add(*scores, *sums);
}

// One input [batch, steps, width], projected by [width, 3 * hidden], then attended to.
Count packed_attention(const Graph& graph, const Node& node) {
  const Value* input = graph.input(node, 0);
  const Count steps = dimension(input, 1);
  const Count width = dimension(graph.input(node, 1), 1);
  if (!width || graph.input(node, 4) != nullptr) return std::nullopt;
  const Count projected = product(elements(input), width);
  const Count hidden = product(steps, *width / 3);
  const Count attended = product(product(hidden, steps), 2);
  if (!projected || !attended) return std::nullopt;
  return saturating_add(*projected, *attended);
}

// Weights that are packed; K tells how many values each result sums over.
Count packed_matrix_product(const Graph& graph, const Node& node) {
  const int64_t inner = int_attribute(node, "K", 0);
  if (inner <= 0) return std::nullopt;
  return product(elements(output(graph, node)), static_cast<uint64_t>(inner));
}

Count unknown(const Graph&, const Node&) {
  return std::nullopt;
}

using Rule = Count (*)(const Graph&, const Node&);

using Rules = std::unordered_map<std::string, Rule>;

const Rules& standard_rules() {
  static const Rules kRules = {
      {"Attention", [](const Graph& g, const Node& n) { return attention(g, n, 4); }},
      {"Conv", plain_convolution},
      {"ConvInteger", plain_convolution},
      {"DeformConv", plain_convolution},
      {"QLinearConv", quantized_convolution},
      {"ConvTranspose", transposed_convolution},
      {"Einsum", einsum},
      {"MatMul", matrix_product},
      {"MatMulInteger", matrix_product},
      {"QLinearMatMul", matrix_product},
      {"Gemm", gemm},
      {"LSTM", recurrent},
      {"GRU", recurrent},
      {"RNN", recurrent},
  };
  return kRules;
}

// Of com.microsoft: what ONNX Runtime's optimisers and quantisers put in place of standard ones.
const Rules& microsoft_rules() {
  static const Rules kRules = {
      {"Attention", packed_attention},
      {"QAttention", packed_attention},
      {"MultiHeadAttention", [](const Graph& g, const Node& n) { return attention(g, n, 6); }},
      {"DecoderAttention", unknown},
      {"DecoderMaskedMultiHeadAttention", unknown},
      {"DecoderMaskedSelfAttention", unknown},
      {"DynamicQuantizeLSTM", unknown},
      {"GroupQueryAttention", unknown},
      {"LongformerAttention", unknown},
      {"MoE", unknown},
      {"PackedAttention", unknown},
      {"PackedMultiHeadAttention", unknown},
      {"PagedAttention", unknown},
      {"QMoE", unknown},
      {"QOrderedAttention", unknown},
      {"SparseAttention", unknown},
      {"FusedConv", plain_convolution},
      {"NhwcFusedConv", plain_convolution},
      {"NhwcConv", plain_convolution},
      {"QLinearConv", quantized_convolution},
      {"DynamicQuantizeMatMul", matrix_product},
      {"FusedMatMul", matrix_product},
      {"MatMulIntegerToFloat", matrix_product},
      {"FusedGemm", gemm},
      {"QGemm", gemm},
      {"GemmFloat8", gemm},
      {"MatMulBnb4", packed_matrix_product},
      {"MatMulNBits", packed_matrix_product},
  };
  return kRules;
}

void visit_tensor(const onnx::TensorProto& tensor,
                  const std::function<void(DType, const Shape&)>& visit) {
  const auto dtype = dtype_from_onnx(tensor.data_type());
  if (dtype) visit(*dtype, Shape(tensor.dims().begin(), tensor.dims().end()));
}

// Values that the node holds itself: a Constant's, and in its sub-graphs initializers and
// Constants.
void for_each_constant(const onnx::NodeProto& node,
                       const std::function<void(DType, const Shape&)>& visit) {
  if (node.op_type() == "Constant") {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) visit_tensor(attribute.t(), visit);
    }
  }
  for_each_subgraph(node, [&](const onnx::GraphProto& graph) {
    for (const auto& tensor : graph.initializer()) visit_tensor(tensor, visit);
    for (const auto& inner : graph.node()) for_each_constant(inner, visit);
  });
}

}  // namespace

std::optional<uint64_t> node_macs(const Graph& graph, const Node& node) {
  if (node.is_constant) return 0;
  if (has_subgraph(*node.proto)) return node.inner_macs;
  const std::string& domain = node.proto->domain();
  if (domain == "ai.onnx.ml") return 0;
  const bool is_microsoft = domain == "com.microsoft";
  if (!is_onnx_domain(domain) && !is_microsoft) return std::nullopt;
  const Rules& rules = is_microsoft ? microsoft_rules() : standard_rules();
  const auto rule = rules.find(node.proto->op_type());
  return rule == rules.end() ? 0 : rule->second(graph, node);
}

uint64_t node_constant_bytes(const Node& node) {
  uint64_t bytes = 0;
  for_each_constant(*node.proto, [&](DType dtype, const Shape& shape) {
    bytes = saturating_add(bytes, byte_count(dtype, shape).value_or(0));
  });
  return bytes;
}

uint64_t trainable_parameters(const Graph& graph) {
  std::unordered_set<ValueId> statistics;
  std::unordered_set<ValueId> used;
  uint64_t total = 0;
  const auto add = [&](DType dtype, const Shape& shape) {
    if (!is_floating(dtype) || shape.empty()) return;
    total = saturating_add(total, element_count(shape).value_or(0));
  };
  for (const Node& node : graph.nodes) {
    used.insert(node.inputs.begin(), node.inputs.end());
    if (node.proto->op_type() != "Constant") for_each_constant(*node.proto, add);
    if (node.proto->op_type() != "BatchNormalization" || node.proto->input_size() < 5) continue;
    for (int i = 3; i < 5; ++i) {
      const auto id = graph.ids.find(node.proto->input(i));  // not there when it is left out
      if (id != graph.ids.end()) statistics.insert(id->second);
    }
  }
  for (const ValueId id : used) {
    const Value& value = graph.values[id];
    if (!value.is_constant || statistics.contains(id)) continue;
    if (value.producer != kNone) {
      const onnx::NodeProto& maker = *graph.nodes[value.producer].proto;
      if (maker.op_type() == "Constant") for_each_constant(maker, add);
    } else if (value.type.dtype && value.type.dims) {
      Shape shape;
      for (const Dim& dim : *value.type.dims) shape.push_back(std::max<int64_t>(dim.size, 0));
      add(*value.type.dtype, shape);
    }
  }
  return total;
}

}  // namespace cloister
