#include "graph/types.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "graph/extract.h"
#include "graph/inner_macs.h"
#include "graph/symbols.h"
#include "graph/type_probe.h"
#include "graph/types_at_batch.h"

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

  // Types at two sizes of the batch.
  void probe_batches() {
    const TypesAtBatch at_one = probe_batch(1);
    const TypesAtBatch at_more = symbols_.batch.empty() ? at_one : probe_batch(kBatchProbe);
    const bool one_only = !at_one.failure && at_more.failure;
    for (ValueId id = 0; id < graph_.values.size(); ++id) {
      graph_.values[id].type = combine(at_one.types[id], at_more.types[id], one_only);
    }
    if (one_only) {
      graph_.notes.push_back(fmt::format(
          "the model fails at a batch of {}, so these are the shapes of a batch of 1: {}",
          kBatchProbe, at_more.failure->message));
    }
    if (const size_t runs = at_one.runs; runs > 0) {
      graph_.notes.push_back(
          fmt::format("{} operator{} had to be run on zeros to find the shape of what {}", runs,
                      runs == 1 ? "" : "s", runs == 1 ? "it makes" : "they make"));
    }
  }

  TypesAtBatch probe_batch(int64_t batch) {
    Bindings bound = options_.dimensions;
    for (const std::string& symbol : symbols_.batch) bound.emplace(symbol, batch);
    return types_at_batch(graph_, probe_, declared_types(bound), options_.may_run);
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

  // Types at two sizes of the batch (the same where there is none) as one. With `one_only`, what is
  // not known at the larger one is as it is at a batch of 1.
  static TensorType combine(const ProbedType& at_one, const ProbedType& at_more, bool one_only) {
    TensorType type{at_one.dtype, std::nullopt};
    if (!at_one.dtype) return type;
    const bool comparable = at_one.dims && at_more.dims;
    if (at_one.dims && !at_more.dims && one_only) {
      type.dims.emplace();
      for (const int64_t size : *at_one.dims) type.dims->push_back({size, false});
      return type;
    }
    if (!comparable || at_one.dims->size() != at_more.dims->size()) return type;
    type.dims.emplace();
    for (size_t i = 0; i < at_one.dims->size(); ++i) {
      const int64_t one = (*at_one.dims)[i];
      const int64_t more = (*at_more.dims)[i];
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
  const Symbols& symbols = typer.symbols();
  for (const auto& [symbol, _] : options.dimensions) {
    if (symbols.all.contains(symbol)) continue;
    if (symbols.all.empty()) {
      return fail(Kind::kUsage, "the model has no symbolic dimension '{}', nor any other",
                  printable(symbol));
    }
    return fail(Kind::kUsage, "the model has no symbolic dimension '{}', want one of {}",
                printable(symbol), printable(fmt::format("{}", fmt::join(symbols.all, ", ")), 400));
  }
  for (const std::string& symbol : symbols.all) {
    if (!symbols.batch.contains(symbol) && !options.dimensions.contains(symbol)) {
      graph.free_symbols.push_back(symbol);
    }
  }
  typer.find();
  count_inner_macs(graph, probe);
  graph.is_typed = true;
  return {};
}

}  // namespace cloister
