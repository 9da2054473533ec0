#include "graph/types_at_batch.h"

#include <algorithm>
#include <set>

#include "graph/extract.h"
#include "graph/onnx.h"
#include "graph/type_probe.h"

namespace cloister {
namespace {

constexpr size_t kMostTogether = 500;  // see types.cpp
constexpr size_t kFewTogether = 8;     // behind what had to be looked at alone
constexpr size_t kMostAround = 500;    // nodes that make shapes and sequences for others

// Domains that an engine may know.
bool may_be_known(const onnx::NodeProto& node) {
  const std::string& domain = node.domain();
  return is_onnx_domain(domain) || domain.starts_with("ai.onnx.") ||
         domain.starts_with("com.microsoft") || domain.starts_with("com.ms.");
}

void set_dims(const ProbedType& probed, onnx::TypeProto& type) {
  if (!probed.dtype) return;
  type.Clear();
  auto& tensor = *type.mutable_tensor_type();
  tensor.set_elem_type(static_cast<int32_t>(*probed.dtype));
  if (!probed.dims) return;
  auto& shape = *tensor.mutable_shape();
  shape.clear_dim();
  for (size_t i = 0; i < probed.dims->size(); ++i) {
    auto& dim = *shape.add_dim();
    if ((*probed.dims)[i] >= 0) {
      dim.set_dim_value((*probed.dims)[i]);
    } else if (i < probed.symbols.size() && !probed.symbols[i].empty()) {
      dim.set_dim_param(probed.symbols[i]);
    }
  }
}

class BatchTyper {
 public:
  BatchTyper(Graph& graph, const TypeProbe& probe, const std::vector<ProbedType>& declared,
             bool may_run)
      : graph_(graph),
        probe_(probe),
        declared_(declared),
        may_run_(may_run),
        is_refused_(graph.nodes.size(), false) {
    found_.types.resize(graph.values.size());
    for (ValueId id = 0; id < graph.values.size(); ++id) {
      graph.values[id].type = {};
      if (graph.values[id].producer == kNone) set(id, declared[id]);
    }
  }

  TypesAtBatch find() {
    size_t together = kMostTogether;
    size_t at = graph_.first_data_node;
    while (at < graph_.nodes.size()) {
      const size_t end = std::min(at + together, graph_.nodes.size());
      const std::vector<uint32_t> nodes = typable(at, end);
      if (const auto inferred = infer(nodes); !inferred) {
        if (end - at > 1) {
          together = (end - at) / 2;
          continue;
        }
        refuse(at, inferred.error());
      }
      const auto open = may_run_ ? first_open(nodes) : std::nullopt;
      const size_t next = open ? *open + 1 : end;
      if (open) run(*open);
      for (size_t i = at; i < next; ++i) take_declared(i);
      at = next;
      together = open ? kFewTogether : std::min(2 * together, kMostTogether);
    }
    for (uint32_t i = 0; i < graph_.first_data_node; ++i) take_constant(i);
    return std::move(found_);
  }

 private:
  void set(ValueId id, ProbedType type) {
    graph_.values[id].type.dtype = type.dtype;  // for extract()
    found_.types[id] = std::move(type);
  }

  bool is_typed(ValueId id) const {
    return found_.types[id].dtype || found_.types[id].is_other || graph_.values[id].is_constant;
  }

  // Those in the range whose inputs have a type, or get one from others of them.
  std::vector<uint32_t> typable(size_t begin, size_t end) {
    std::vector<uint32_t> nodes;
    std::set<ValueId> made;
    for (size_t i = begin; i < end; ++i) {
      const Node& node = graph_.nodes[i];
      const bool has_inputs = std::ranges::all_of(
          node.inputs, [&](ValueId id) { return is_typed(id) || made.contains(id); });
      if (!has_inputs || !may_be_known(*node.proto)) {
        take_declared(i);
        continue;
      }
      made.insert(node.outputs.begin(), node.outputs.end());
      nodes.push_back(static_cast<uint32_t>(i));
    }
    return nodes;
  }

  // The nodes, and those before them that make shapes and what is no tensor: the engine must see
  // how shapes come about, and only tensors can be given.
  std::vector<uint32_t> with_makers(const std::vector<uint32_t>& nodes) const {
    std::set<uint32_t> all(nodes.begin(), nodes.end());
    std::vector<uint32_t> open = nodes;
    while (!open.empty() && all.size() < nodes.size() + kMostAround) {
      const Node& node = graph_.nodes[open.back()];
      open.pop_back();
      for (const ValueId id : node.inputs) {
        const Value& value = graph_.values[id];
        const bool is_needed = value.is_shape_only || found_.types[id].is_other;
        if (value.producer == kNone || value.is_constant || !is_needed) continue;
        if (all.insert(value.producer).second) open.push_back(value.producer);
      }
    }
    return {all.begin(), all.end()};
  }

  Result<onnx::ModelProto> piece_of(const std::vector<uint32_t>& nodes,
                                    std::map<std::string, Tensor>& weights) const {
    TRY(piece, extract_nodes(graph_, with_makers(nodes)));
    onnx::ModelProto model = *piece.proto;
    for (auto& input : *model.mutable_graph()->mutable_input()) {
      const auto id = graph_.ids.find(input.name());
      if (id != graph_.ids.end()) set_dims(found_.types[id->second], *input.mutable_type());
    }
    weights = std::move(piece.weights);
    return model;
  }

  Result<> infer(const std::vector<uint32_t>& nodes) {
    if (nodes.empty()) return {};
    std::map<std::string, Tensor> weights;
    TRY(model, piece_of(nodes, weights));
    std::vector<std::string> names;
    for (const auto& node : model.graph().node()) {
      for (const auto& name : node.output()) {
        if (!name.empty() && !is_complete(found_.types[graph_.ids.at(name)])) {
          names.push_back(name);
        }
      }
    }
    if (names.empty()) return {};
    TRY(types, infer_named(std::move(model), weights, names, probe_));
    for (size_t i = 0; i < names.size(); ++i) set(graph_.ids.at(names[i]), std::move(types[i]));
    return {};
  }

  // The first node that a run may tell more of.
  std::optional<uint32_t> first_open(const std::vector<uint32_t>& nodes) const {
    for (const uint32_t index : nodes) {
      const Node& node = graph_.nodes[index];
      if (is_refused_[index]) continue;
      const bool has_all = has_complete_inputs(node);
      for (const ValueId id : node.outputs) {
        const ProbedType& type = found_.types[id];
        const bool may_be_general = has_all && !graph_.values[id].has_varying_dimensions;
        if (!type.is_other && (!type.dtype || (may_be_general && !is_complete(type)))) {
          return index;
        }
      }
    }
    return std::nullopt;
  }

  bool has_complete_inputs(const Node& node) const {
    return std::ranges::all_of(node.inputs, [&](ValueId id) {
      const ProbedType& type = found_.types[id];
      return is_complete(type) || type.is_other || graph_.values[id].is_constant;
    });
  }

  // On zeros, and with 1 for what is not known of its inputs; dimensions are then those of one run.
  void run(uint32_t index) {
    const Node& node = graph_.nodes[index];
    const bool has_all = has_complete_inputs(node);
    std::vector<std::string> names;
    for (const ValueId id : node.outputs) {
      if (!found_.types[id].is_other) names.push_back(graph_.values[id].name);
    }
    std::map<std::string, Tensor> weights;
    const auto types = [&]() -> Result<std::vector<ProbedType>> {
      TRY(model, piece_of({index}, weights));
      return run_named(std::move(model), weights, names, probe_);
    }();
    if (!types) return refuse(index, types.error());
    ++found_.runs;
    for (size_t i = 0; i < names.size(); ++i) {
      const ValueId id = graph_.ids.at(names[i]);
      ProbedType type = found_.types[id];
      if (has_all && !graph_.values[id].has_varying_dimensions) {
        type = (*types)[i];
      } else {
        type.dtype = (*types)[i].dtype;
      }
      set(id, std::move(type));
    }
  }

  // A node that does not take its inputs; one of an unknown operator was never asked.
  void refuse(size_t index, const Error& error) {
    is_refused_[index] = true;
    const onnx::NodeProto& node = *graph_.nodes[index].proto;
    if (found_.failure || !may_be_known(node)) return;
    found_.failure = Error{error.kind, fmt::format("{}: {}", node_label(node), error.message)};
  }

  // The engine's word comes first: declarations often stem from another batch.
  void take_declared(size_t index) {
    for (const ValueId id : graph_.nodes[index].outputs) {
      const ProbedType& type = found_.types[id];
      const ProbedType& declared = declared_[id];
      if (is_complete(declared) ? !is_complete(type) : !type.dtype) {
        if (declared.dtype) set(id, declared);
      }
    }
  }

  // What no data node needs is an output.
  void take_constant(uint32_t index) {
    const auto is_open = [&](ValueId id) { return !is_complete(found_.types[id]); };
    if (std::ranges::any_of(graph_.nodes[index].outputs, is_open)) take_declared(index);
  }

  Graph& graph_;
  const TypeProbe& probe_;
  const std::vector<ProbedType>& declared_;
  const bool may_run_;
  std::vector<bool> is_refused_;  // by node
  TypesAtBatch found_;
};

}  // namespace

TypesAtBatch types_at_batch(Graph& graph, const TypeProbe& probe,
                            const std::vector<ProbedType>& declared, bool may_run) {
  return BatchTyper(graph, probe, declared, may_run).find();
}

}  // namespace cloister
