#include "graph/extract.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "graph/onnx.h"

namespace cloister {
namespace {

// What is taken out of a graph.
struct Part {
  std::vector<uint32_t> nodes;   // data nodes, ascending
  bool is_first = false;         // constant outputs of the model are its
  bool is_whole = false;         // so are unused inputs
  bool untyped_outputs = false;  // see extract()
  bool all_outputs = false;      // whatever its nodes make is one
};

class Extractor {
 public:
  Extractor(const Graph& graph, Part part)
      : graph_(graph),
        source_(graph.model.proto->graph()),
        part_(std::move(part)),
        is_inside_(graph.nodes.size(), false) {
    for (const uint32_t node : part_.nodes) is_inside_[node] = true;
  }

  Result<Model> extract() {
    collect();
    onnx::ModelProto model = shell();
    onnx::GraphProto& out = *model.mutable_graph();
    for (const uint32_t node : nodes_) *out.add_node() = *graph_.nodes[node].proto;
    TRY_OK(add_border(out));
    Model extracted;
    add_initializers(out, extracted.weights);
    add_declarations(out);
    extracted.proto = std::make_shared<const onnx::ModelProto>(std::move(model));
    return extracted;
  }

 private:
  bool inside(uint32_t node) const { return node != kNone && is_inside_[node]; }

  // The nodes, the constants that they need, and the values that cross the border.
  void collect() {
    std::unordered_set<ValueId> seen;
    std::vector<ValueId> stack;
    const auto use = [&](ValueId id) {
      if (seen.insert(id).second) stack.push_back(id);
    };
    nodes_ = part_.nodes;
    for (const uint32_t i : part_.nodes) {
      for (const ValueId id : graph_.nodes[i].inputs) use(id);
    }
    for (const ValueId id : graph_.outputs) {
      if (graph_.values[id].is_constant && part_.is_first) use(id);
    }
    while (!stack.empty()) {
      const ValueId id = stack.back();
      stack.pop_back();
      const Value& value = graph_.values[id];
      if (!value.is_constant) {
        if (!inside(value.producer)) inputs_.insert(id);
      } else if (value.producer == kNone) {
        initializers_.insert(value.name);
      } else if (made_.insert(value.producer).second) {
        nodes_.push_back(value.producer);
        for (const ValueId used : graph_.nodes[value.producer].inputs) use(used);
      }
    }
    std::ranges::sort(nodes_);  // constant nodes come first in a graph
    find_outputs();
    // Those with a default that nothing needs are left out: without it they would be required.
    for (const ValueId id : graph_.inputs) {
      if (part_.is_whole && graph_.values[id].is_input) inputs_.insert(id);
    }
  }

  void find_outputs() {
    for (const uint32_t i : part_.nodes) {
      if (part_.all_outputs) {
        outputs_.insert(graph_.nodes[i].outputs.begin(), graph_.nodes[i].outputs.end());
      }
    }
    const uint32_t first = part_.nodes.empty() ? 0 : part_.nodes.front();
    for (uint32_t i = std::max(first, graph_.first_data_node); i < graph_.nodes.size(); ++i) {
      if (inside(i)) continue;
      for (const ValueId id : graph_.nodes[i].inputs) {
        if (inside(graph_.values[id].producer)) outputs_.insert(id);
      }
    }
  }

  // Everything of the model but the graph's nodes and tensors.
  onnx::ModelProto shell() const {
    const onnx::ModelProto& from = *graph_.model.proto;
    onnx::ModelProto model;
    model.set_ir_version(from.ir_version());
    *model.mutable_opset_import() = from.opset_import();
    model.set_producer_name(from.producer_name());
    model.set_producer_version(from.producer_version());
    model.set_domain(from.domain());
    model.set_model_version(from.model_version());
    *model.mutable_metadata_props() = from.metadata_props();
    *model.mutable_functions() = from.functions();
    model.mutable_unknown_fields()->MergeFrom(from.unknown_fields());
    model.mutable_graph()->mutable_unknown_fields()->MergeFrom(source_.unknown_fields());
    model.mutable_graph()->set_name(source_.name().empty() ? "graph" : source_.name());
    return model;
  }

  Result<> declare(ValueId id, onnx::ValueInfoProto& info) const {
    const Value& value = graph_.values[id];
    if (const auto* known = declaration(value.name)) info = *known;
    info.set_name(value.name);
    if (value.type.dtype) {
      set_type(graph_, value.type, *info.mutable_type());
    } else if (!info.has_type()) {
      return fail(Kind::kUnsupported,
                  "the type of '{}' is not known, so no segment can begin or end there: it is not "
                  "a tensor (for example a sequence), or its operator is one that ONNX Runtime "
                  "lacks, and the model declares no type",
                  printable(value.name));
    }
    return {};
  }

  Result<> declare_output(ValueId id, onnx::ValueInfoProto& info) const {
    auto declared = declare(id, info);
    return part_.untyped_outputs ? Result<>() : declared;
  }

  const onnx::ValueInfoProto* declaration(const std::string& name) const {
    for (const auto* infos : {&source_.input(), &source_.output(), &source_.value_info()}) {
      for (const auto& info : *infos) {
        if (info.name() == name) return &info;
      }
    }
    return nullptr;
  }

  Result<> add_border(onnx::GraphProto& out) {
    // The model's own inputs and outputs keep their order and their declarations.
    for (const auto& input : source_.input()) {
      const ValueId id = graph_.ids.at(input.name());
      if (inputs_.erase(id) > 0 || initializers_.contains(input.name())) *out.add_input() = input;
    }
    for (const ValueId id : inputs_) TRY_OK(declare(id, *out.add_input()));
    for (const auto& output : source_.output()) {
      const ValueId id = graph_.ids.at(output.name());
      const Value& value = graph_.values[id];
      outputs_.erase(id);
      const bool here = value.is_constant ? part_.is_first : inside(value.producer);
      if (!here && !(part_.is_whole && value.is_input)) continue;
      if (output.has_type()) {
        *out.add_output() = output;
      } else {
        TRY_OK(declare_output(id, *out.add_output()));
      }
    }
    for (const ValueId id : outputs_) TRY_OK(declare_output(id, *out.add_output()));
    return {};
  }

  void add_initializers(onnx::GraphProto& out, std::map<std::string, Tensor>& weights) const {
    for (const auto& tensor : source_.initializer()) {
      if (!initializers_.contains(tensor.name())) continue;
      *out.add_initializer() = tensor;
      const auto weight = graph_.model.weights.find(tensor.name());
      if (weight != graph_.model.weights.end()) weights.insert(*weight);
    }
    for (const auto& tensor : source_.sparse_initializer()) {
      if (initializers_.contains(tensor.values().name())) *out.add_sparse_initializer() = tensor;
    }
  }

  // Declared types of inner tensors, and their quantization annotations.
  void add_declarations(onnx::GraphProto& out) const {
    std::unordered_set<std::string> inner;
    for (const auto& node : out.node()) inner.insert(node.output().begin(), node.output().end());
    for (const auto& output : out.output()) inner.erase(output.name());
    for (const auto& info : source_.value_info()) {
      if (inner.contains(info.name())) *out.add_value_info() = info;
    }
    for (const auto& annotation : source_.quantization_annotation()) {
      if (inner.contains(annotation.tensor_name()) ||
          initializers_.contains(annotation.tensor_name())) {
        *out.add_quantization_annotation() = annotation;
      }
    }
  }

  const Graph& graph_;
  const onnx::GraphProto& source_;
  const Part part_;
  std::vector<bool> is_inside_;  // by node
  std::vector<uint32_t> nodes_;
  std::unordered_set<uint32_t> made_;  // constant nodes taken along
  std::unordered_set<std::string> initializers_;
  std::set<ValueId> inputs_;
  std::set<ValueId> outputs_;
};

}  // namespace

void set_type(const Graph& graph, const TensorType& type, onnx::TypeProto& proto) {
  proto.Clear();
  auto& tensor = *proto.mutable_tensor_type();
  tensor.set_elem_type(static_cast<int32_t>(*type.dtype));
  if (!type.dims) return;
  auto& shape = *tensor.mutable_shape();
  shape.clear_dim();  // what the file declares
  for (const Dim& dim : *type.dims) {
    auto& out = *shape.add_dim();
    const bool is_fixed = dim.size >= 0 && (!dim.times_batch || dim.size == 1);
    if (!is_fixed) continue;
    if (dim.times_batch) {
      out.set_dim_param(graph.batch_symbols.size() == 1 ? graph.batch_symbols[0] : kBatchName);
    } else {
      out.set_dim_value(dim.size);
    }
  }
}

Result<Model> extract(const Graph& graph, Range range, bool untyped_outputs) {
  if (range.begin > range.end || range.end > graph.data_nodes()) {
    return fail(Kind::kInternal, "segment [{}, {}) of a graph with {} nodes", range.begin,
                range.end, graph.data_nodes());
  }
  Part part{.is_first = range.begin == 0,
            .is_whole = range.begin == 0 && range.end == graph.data_nodes(),
            .untyped_outputs = untyped_outputs};
  for (size_t i = range.begin; i < range.end; ++i) {
    part.nodes.push_back(static_cast<uint32_t>(graph.first_data_node + i));
  }
  return Extractor(graph, std::move(part)).extract();
}

Result<Model> extract_nodes(const Graph& graph, std::vector<uint32_t> nodes) {
  return Extractor(graph, {.nodes = std::move(nodes), .untyped_outputs = true, .all_outputs = true})
      .extract();
}

Result<Model> extract_whole(const Graph& graph) {
  return extract(graph, {0, graph.data_nodes()});
}

Result<std::vector<Model>> split(const Graph& graph, const std::vector<Cut>& cuts) {
  std::vector<Model> segments;
  size_t begin = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t end = i < cuts.size() ? cuts[i].position : graph.data_nodes();
    if (i < cuts.size() && (end == 0 || end >= graph.data_nodes())) {
      return fail(Kind::kUsage, "cut {} at node {} is not in this model with {} nodes", cuts[i].id,
                  end, graph.data_nodes());
    }
    if (i > 0 && end <= begin) {
      return fail(Kind::kUsage, "cut {} is not deeper than {}: give the cuts shallow to deep",
                  cuts[i].id, cuts[i - 1].id);
    }
    TRY(segment, extract(graph, {begin, end}));
    segments.push_back(std::move(segment));
    begin = end;
  }
  return segments;
}

}  // namespace cloister
