#include "graph/types.h"

#include <algorithm>
#include <set>

#include "graph/onnx.h"

namespace cloister {
namespace {

constexpr int64_t kBatchProbe = 3;

using Types = std::vector<ProbedType>;  // by ValueId

ProbedType declared_type(const onnx::TypeProto& type) {
  ProbedType probed;
  if (!type.has_tensor_type()) return probed;
  probed.dtype = dtype_from_onnx(type.tensor_type().elem_type());
  if (!type.tensor_type().has_shape()) return probed;
  probed.dims.emplace();
  for (const auto& dim : type.tensor_type().shape().dim()) {
    probed.dims->push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
  }
  return probed;
}

bool is_complete(const ProbedType& type) {
  return type.dtype && type.dims && std::ranges::count(*type.dims, -1) == 0;
}

// Extents that are bound to numbers for a probe, by symbol.
using Bindings = std::map<std::string, int64_t>;

void bind_dims(onnx::TypeProto& type, const Bindings& bindings) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape()) return;
  for (auto& dim : *type.mutable_tensor_type()->mutable_shape()->mutable_dim()) {
    const auto bound = bindings.find(dim.dim_param());
    if (dim.has_dim_param() && bound != bindings.end()) dim.set_dim_value(bound->second);
  }
}

// The model's batch symbols and all its symbols, found in the types of its inputs. An unnamed
// first extent gets a name.
struct Symbols {
  std::set<std::string> batch;
  std::set<std::string> all;
};

Symbols name_symbols(onnx::GraphProto& graph, const Graph& index) {
  Symbols symbols;
  for (auto& input : *graph.mutable_input()) {
    if (!index.values[index.ids.at(input.name())].is_input) continue;
    if (!input.type().has_tensor_type() || !input.type().tensor_type().has_shape()) continue;
    auto& dims = *input.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim();
    for (int i = 0; i < dims.size(); ++i) {
      if (dims[i].has_dim_value() && dims[i].dim_value() >= 0) continue;
      if (dims[i].dim_param().empty() && i > 0) continue;
      if (dims[i].dim_param().empty()) dims[i].set_dim_param("batch of " + input.name());
      symbols.all.insert(dims[i].dim_param());
      if (i == 0) symbols.batch.insert(dims[i].dim_param());
    }
  }
  return symbols;
}

// The model as the probes see it: weights as inputs, symbols bound, and outputs to be filled in.
class Prober {
 public:
  Prober(const Graph& graph, const TypeProbe& probe) : graph_(graph), probe_(probe) {
    base_ = *graph.model.proto;
    symbols_ = name_symbols(*base_.mutable_graph(), graph);
    // Declared types of inner tensors may contradict a bound batch; they are used as a fallback.
    base_.mutable_graph()->clear_value_info();
    base_.mutable_graph()->clear_output();
  }

  const Symbols& symbols() const { return symbols_; }

  // Types by inference; nothing where the engine leaves them open.
  Result<Types> infer(const Bindings& bindings) const {
    onnx::ModelProto model = bound(bindings);
    auto& initializers = *model.mutable_graph()->mutable_initializer();
    google::protobuf::RepeatedPtrField<onnx::TensorProto> kept;
    std::set<std::string> inputs;
    for (const auto& input : model.graph().input()) inputs.insert(input.name());
    for (auto& tensor : initializers) {
      if (!graph_.model.weights.contains(tensor.name())) {
        *kept.Add() = std::move(tensor);
        continue;
      }
      if (inputs.contains(tensor.name())) continue;
      auto& input = *model.mutable_graph()->add_input();
      input.set_name(tensor.name());
      auto& type = *input.mutable_type()->mutable_tensor_type();
      type.set_elem_type(tensor.data_type());
      for (const int64_t extent : tensor.dims()) {
        type.mutable_shape()->add_dim()->set_dim_value(extent);
      }
    }
    initializers.Swap(&kept);
    std::vector<ValueId> wanted;
    for (const Node& node : graph_.nodes) {
      wanted.insert(wanted.end(), node.makes.begin(), node.makes.end());
    }
    const auto infer = [&] { return probe_.infer(model.SerializeAsString()); };
    TRY(types, ask(model, wanted, infer));
    tell_scalars(model, types);
    return std::move(types);
  }

  // Fills in by running what `types` leaves open.
  Result<> run(const Bindings& bindings, Types& types) const {
    std::vector<ValueId> open;
    for (ValueId id = 0; id < types.size(); ++id) {
      if (graph_.values[id].maker != kNone && !is_complete(types[id])) open.push_back(id);
    }
    if (open.empty()) return {};
    onnx::ModelProto model = bound(bindings);
    TRY(found, ask(model, open, [&] {
          Model asked = graph_.model;
          asked.proto = std::make_shared<const onnx::ModelProto>(model);
          return probe_.run(to_segment(asked));
        }));
    const bool is_fixed = has_fixed_inputs(model.graph());
    for (const ValueId id : open) {
      if (!is_complete(found[id])) continue;
      if (is_fixed && !graph_.values[id].has_varying_extents) {
        types[id] = found[id];
        continue;
      }
      // Other inputs would give other extents: only the rank holds.
      if (!types[id].dtype) types[id].dtype = found[id].dtype;
      if (!types[id].dims) types[id].dims.emplace(found[id].dims->size(), -1);
    }
    return {};
  }

 private:
  bool has_fixed_inputs(const onnx::GraphProto& graph) const {
    return std::ranges::all_of(graph.input(), [&](const onnx::ValueInfoProto& input) {
      return !graph_.find(input.name())->is_input || is_complete(declared_type(input.type()));
    });
  }

  // A tensor without extents is a scalar only if Shape of it is known to be empty; otherwise its
  // rank is not known.
  void tell_scalars(onnx::ModelProto& model, Types& types) const {
    std::vector<ValueId> doubtful;
    for (ValueId id = 0; id < types.size(); ++id) {
      if (types[id].dtype && types[id].dims && types[id].dims->empty()) doubtful.push_back(id);
    }
    if (doubtful.empty()) return;
    onnx::GraphProto& graph = *model.mutable_graph();
    graph.clear_output();
    for (size_t i = 0; i < doubtful.size(); ++i) {
      onnx::NodeProto& node = *graph.add_node();
      node.set_op_type("Shape");
      node.add_input(graph_.values[doubtful[i]].name);
      node.add_output(fmt::format("cloister:shape:{}", i));
      graph.add_output()->set_name(node.output(0));
    }
    const auto shapes = probe_.infer(model.SerializeAsString());
    for (size_t i = 0; i < doubtful.size(); ++i) {
      const bool is_scalar = shapes && (*shapes)[i].dims == std::vector<int64_t>{0};
      if (!is_scalar) types[doubtful[i]].dims.reset();
    }
  }

  onnx::ModelProto bound(const Bindings& bindings) const {
    onnx::ModelProto model = base_;
    for (auto& input : *model.mutable_graph()->mutable_input()) {
      bind_dims(*input.mutable_type(), bindings);
    }
    return model;
  }

  // Makes `wanted` the outputs of `model`, and files the answers by value.
  Result<Types> ask(onnx::ModelProto& model, const std::vector<ValueId>& wanted,
                    const std::function<Result<std::vector<ProbedType>>()>& question) const {
    for (const ValueId id : wanted) {
      model.mutable_graph()->add_output()->set_name(graph_.values[id].name);
    }
    TRY(answers, question());
    if (answers.size() != wanted.size()) {
      return fail(Kind::kInternal, "{} types probed, got {}", wanted.size(), answers.size());
    }
    Types types(graph_.values.size());
    for (size_t i = 0; i < wanted.size(); ++i) types[wanted[i]] = std::move(answers[i]);
    return types;
  }

  const Graph& graph_;
  const TypeProbe& probe_;
  onnx::ModelProto base_;
  Symbols symbols_;
};

// Types that the file itself states: of inputs, initializers, and inner tensors with value_info.
Types declared_types(const Graph& graph, const Bindings& bindings) {
  Types types(graph.values.size());
  onnx::GraphProto proto = graph.model.proto->graph();
  name_symbols(proto, graph);
  const auto declare = [&](auto& infos) {
    for (auto& info : infos) {
      const auto id = graph.ids.find(info.name());
      if (id == graph.ids.end()) continue;
      bind_dims(*info.mutable_type(), bindings);
      types[id->second] = declared_type(info.type());
    }
  };
  declare(*proto.mutable_value_info());
  declare(*proto.mutable_output());
  declare(*proto.mutable_input());
  for (const auto& tensor : proto.initializer()) {
    types[graph.ids.at(tensor.name())] = {
        dtype_from_onnx(tensor.data_type()),
        std::vector<int64_t>(tensor.dims().begin(), tensor.dims().end())};
  }
  return types;
}

Result<Types> probe_types(const Graph& graph, const Prober& prober, const Bindings& bindings,
                          bool may_run) {
  Types types = declared_types(graph, bindings);
  // An engine that refuses the model (an operator that it lacks) leaves what is declared.
  if (auto inferred = prober.infer(bindings)) {
    for (ValueId id = 0; id < types.size(); ++id) {
      const ProbedType& found = (*inferred)[id];
      if (is_complete(found) || (found.dtype && !is_complete(types[id]))) types[id] = found;
    }
  }
  if (may_run) {
    // The same holds for one that can't run it on zeros.
    [[maybe_unused]] const auto ran = prober.run(bindings, types);
  }
  return types;
}

TensorType combine(const ProbedType& at_one, const ProbedType& at_more) {
  TensorType type{at_one.dtype, std::nullopt};
  if (!at_one.dims) return type;
  const bool comparable = at_more.dims && at_more.dims->size() == at_one.dims->size();
  type.dims.emplace();
  for (size_t i = 0; i < at_one.dims->size(); ++i) {
    const int64_t one = (*at_one.dims)[i];
    const int64_t more = comparable ? (*at_more.dims)[i] : -1;
    if (one == more) {
      type.dims->push_back({one, false});
    } else if (one > 0 && more / kBatchProbe == one && more % kBatchProbe == 0) {
      type.dims->push_back({one, true});
    } else {
      type.dims->push_back({-1, false});
    }
  }
  return type;
}

}  // namespace

Result<> infer_types(Graph& graph, const TypeProbe& probe, const TypeOptions& options) {
  const Prober prober(graph, probe);
  const Symbols& symbols = prober.symbols();
  for (const auto& [symbol, _] : options.extents) {
    if (!symbols.all.contains(symbol)) {
      return fail(Kind::kUsage, "the model has no symbolic extent '{}'", printable(symbol));
    }
  }
  const auto bindings = [&](int64_t batch) {
    Bindings bound = options.extents;
    for (const std::string& symbol : symbols.batch) bound.emplace(symbol, batch);
    return bound;
  };
  TRY(at_one, probe_types(graph, prober, bindings(1), options.may_run));
  const bool has_batch = bindings(1) != bindings(kBatchProbe);
  const Types at_more =
      has_batch
          ? probe_types(graph, prober, bindings(kBatchProbe), options.may_run).value_or(at_one)
          : at_one;
  for (ValueId id = 0; id < graph.values.size(); ++id) {
    graph.values[id].type = combine(at_one[id], at_more[id]);
  }
  graph.batch_symbols.assign(symbols.batch.begin(), symbols.batch.end());
  return {};
}

}  // namespace cloister
