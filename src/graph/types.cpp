#include "graph/types.h"

#include <algorithm>

#include "graph/extract.h"
#include "graph/symbols.h"
#include "graph/type_probe.h"

namespace cloister {
namespace {

constexpr int64_t kBatchProbe = 3;

// Data nodes that are inferred together. ONNX Runtime compares each tensor's name with those of all
// outputs, so that one piece of n nodes would take time in n squared.
constexpr size_t kPiece = 500;

using Types = std::vector<ProbedType>;  // by ValueId

std::set<std::string> constant_names(const Graph& graph) {
  std::set<std::string> names;
  for (const Value& value : graph.values) {
    if (value.is_constant) names.insert(value.name);
  }
  return names;
}

// The type, when each of its dimensions is a number or the batch; nothing otherwise.
std::optional<TensorType> with_symbolic_batch(const ProbedType& probed,
                                              const std::set<std::string>& batch) {
  if (!probed.dtype || !probed.dims) return std::nullopt;
  TensorType type{probed.dtype, std::vector<Dim>()};
  for (size_t i = 0; i < probed.dims->size(); ++i) {
    const int64_t dimension = (*probed.dims)[i];
    const bool is_batch =
        dimension < 0 && i < probed.symbols.size() && batch.contains(probed.symbols[i]);
    if (dimension < 0 && !is_batch) return std::nullopt;
    type.dims->push_back(is_batch ? Dim{1, true} : Dim{dimension, false});
  }
  return type;
}

ProbedType declared_type(const onnx::TypeProto& type) {
  ProbedType probed;
  if (!type.has_tensor_type()) return probed;
  probed.dtype = dtype_from_onnx(type.tensor_type().elem_type());
  if (!type.tensor_type().has_shape()) return probed;
  probed.dims.emplace();
  for (const auto& dim : type.tensor_type().shape().dim()) {
    probed.dims->push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
    probed.symbols.push_back(dim.dim_param());
  }
  return probed;
}

// Finds the types of one graph: first the quick way, with the batch left symbolic; where that does
// not give everything, at two sizes of the batch.
class Typer {
 public:
  Typer(Graph& graph, const TypeProbe& probe, const TypeOptions& options)
      : graph_(graph),
        probe_(probe),
        options_(options),
        proto_(*graph.model.proto),
        symbols_(name_symbols(*proto_.mutable_graph(), constant_names(graph))) {
    graph_.batch_symbols.assign(symbols_.batch.begin(), symbols_.batch.end());
  }

  const Symbols& symbols() const { return symbols_; }

  void find() {
    if (!infer_in_pieces()) probe_batches();
  }

 private:
  // Infers piece after piece, each from the types of those before; whether that gave the type of
  // every value.
  bool infer_in_pieces() {
    std::set<std::string> batch = symbols_.batch;
    if (batch.size() > 1 && batch.insert(kBatchName).second && symbols_.all.contains(kBatchName)) {
      return false;  // some other dimension has that name
    }
    const Types declared = declared_types(options_.dimensions);
    for (ValueId id = 0; id < graph_.values.size(); ++id) {
      if (graph_.values[id].producer != kNone) continue;
      auto type = with_symbolic_batch(declared[id], batch);
      if (!type) return false;
      graph_.values[id].type = std::move(*type);
    }
    const size_t nodes = graph_.data_nodes();
    for (size_t begin = 0; begin < nodes; begin += kPiece) {
      if (!infer_piece({begin, std::min(begin + kPiece, nodes)}, batch)) return false;
    }
    // Constant nodes that no data node needs make outputs.
    return std::ranges::all_of(graph_.values,
                               [](const Value& value) { return value.type.dtype.has_value(); });
  }

  bool infer_piece(Range range, const std::set<std::string>& batch) {
    const auto piece = extract(graph_, range, true);
    if (!piece) return false;
    onnx::ModelProto model = *piece->proto;
    name_symbols(*model.mutable_graph(), {});
    bind_inputs(*model.mutable_graph(), options_.dimensions);
    std::vector<std::string> names;
    for (const auto& node : model.graph().node()) {
      for (const auto& name : node.output()) {
        if (!name.empty() && !graph_.find(name)->type.dtype) names.push_back(name);
      }
    }
    const auto types = infer_named(std::move(model), piece->weights, names, probe_);
    if (!types) return false;
    for (size_t i = 0; i < names.size(); ++i) {
      auto type = with_symbolic_batch((*types)[i], batch);
      if (!type) return false;
      graph_.values[graph_.ids.at(names[i])].type = std::move(*type);
    }
    return true;
  }

  // Types of the whole at two sizes of the batch, by inference and, for what that leaves open, by
  // running it.
  void probe_batches() {
    const Types at_one = probe_batch(1);
    const Types at_more = symbols_.batch.empty() ? at_one : probe_batch(kBatchProbe);
    for (ValueId id = 0; id < graph_.values.size(); ++id) {
      graph_.values[id].type = combine(at_one[id], at_more[id]);
    }
  }

  Types probe_batch(int64_t batch) {
    Bindings bound = options_.dimensions;
    for (const std::string& symbol : symbols_.batch) bound.emplace(symbol, batch);
    onnx::ModelProto model = proto_;
    bind_inputs(*model.mutable_graph(), bound);
    const Types declared = declared_types(bound);
    Types types(graph_.values.size());
    for (ValueId id = 0; id < types.size(); ++id) {
      if (graph_.values[id].producer == kNone) types[id] = declared[id];
    }
    // An engine that refuses the model (an operator that it lacks) leaves what is declared.
    fill(types, infer_named, model, [](ValueId) { return true; });
    if (options_.may_run) {
      const bool is_fixed = has_fixed_inputs(model.graph());
      fill(types, run_named, model,
           [&](ValueId id) { return is_fixed && !graph_.values[id].has_varying_dimensions; });
    }
    // The engine's word comes first: declarations often stem from another batch.
    for (ValueId id = 0; id < types.size(); ++id) {
      if (is_complete(declared[id]) ? !is_complete(types[id]) : !types[id].dtype) {
        types[id] = declared[id];
      }
    }
    return types;
  }

  bool has_fixed_inputs(const onnx::GraphProto& graph) const {
    return std::ranges::all_of(graph.input(), [&](const onnx::ValueInfoProto& input) {
      return !graph_.find(input.name())->is_input || is_complete(declared_type(input.type()));
    });
  }

  // Asks for what is not complete yet. Where the answer's dimensions hold for this one run only, as
  // `are_general` says, no more than type and rank are taken from it.
  void fill(Types& types, decltype(infer_named) ask, const onnx::ModelProto& model,
            const std::function<bool(ValueId)>& are_general) {
    std::vector<ValueId> open;
    std::vector<std::string> names;
    for (ValueId id = 0; id < types.size(); ++id) {
      if (graph_.values[id].producer == kNone || is_complete(types[id])) continue;
      open.push_back(id);
      names.push_back(graph_.values[id].name);
    }
    if (open.empty()) return;
    auto found = ask(model, graph_.model.weights, names, probe_);
    if (!found) return;
    for (size_t i = 0; i < open.size(); ++i) {
      ProbedType& type = types[open[i]];
      if (!(*found)[i].dtype) continue;
      if (are_general(open[i])) {
        type = std::move((*found)[i]);
        continue;
      }
      type.dtype = (*found)[i].dtype;
      if (!type.dims && (*found)[i].dims) type.dims.emplace((*found)[i].dims->size(), -1);
    }
  }

  // Types that the file itself states: of inputs, initializers, and inner tensors with value_info.
  Types declared_types(const Bindings& bindings) const {
    Types types(graph_.values.size());
    const auto declare = [&](const auto& infos) {
      for (const auto& info : infos) {
        const auto id = graph_.ids.find(info.name());
        if (id == graph_.ids.end()) continue;
        onnx::TypeProto type = info.type();
        bind(type, bindings);
        types[id->second] = declared_type(type);
      }
    };
    const onnx::GraphProto& graph = proto_.graph();
    declare(graph.value_info());
    declare(graph.output());
    declare(graph.input());
    for (const auto& tensor : graph.initializer()) {
      types[graph_.ids.at(tensor.name())] = {
          dtype_from_onnx(tensor.data_type()),
          std::vector<int64_t>(tensor.dims().begin(), tensor.dims().end()),
          {}};
    }
    return types;
  }

  // Types at two sizes of the batch (the same where there is none) as one.
  static TensorType combine(const ProbedType& at_one, const ProbedType& at_more) {
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

  Graph& graph_;
  const TypeProbe& probe_;
  const TypeOptions& options_;
  onnx::ModelProto proto_;  // with every batch named
  Symbols symbols_;
};

}  // namespace

Result<> infer_types(Graph& graph, const TypeProbe& probe, const TypeOptions& options) {
  Typer typer(graph, probe, options);
  for (const auto& [symbol, _] : options.dimensions) {
    if (!typer.symbols().all.contains(symbol)) {
      return fail(Kind::kUsage, "the model has no symbolic dimension '{}'", printable(symbol));
    }
  }
  typer.find();
  return {};
}

}  // namespace cloister
