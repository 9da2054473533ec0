#include "graph/inner_macs.h"

#include "base/checked.h"
#include "graph/constants.h"
#include "graph/cost.h"
#include "graph/extract.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

using Count = std::optional<uint64_t>;

// Of one item of the batch, with numbers alone; nothing where one is missing.
std::optional<TensorType> fixed(const TensorType& type) {
  if (!type.dtype || !type.dims) return std::nullopt;
  TensorType out = type;
  for (Dim& dim : *out.dims) {
    if (dim.size < 0) return std::nullopt;
    dim.times_batch = false;
  }
  return out;
}

const onnx::AttributeProto* attribute(const Node& node, const char* name) {
  for (const auto& attribute : node.proto->attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

class SubgraphCounter {
 public:
  SubgraphCounter(const Graph& graph, const Node& node, const TypeProbe& probe)
      : graph_(graph), node_(node), probe_(probe) {}

  Count count() const {
    const std::string& op = node_.proto->op_type();
    if (op == "If") {
      const Count a = body("then_branch", {});
      const Count b = body("else_branch", {});
      return a && b ? std::optional(std::max(*a, *b)) : std::nullopt;
    }
    if (op == "Loop") return rounds_of_loop();
    if (op == "Scan") return rounds_of_scan();
    return std::nullopt;
  }

 private:
  using Types = std::vector<std::optional<TensorType>>;

  Count rounds_of_loop() const {
    const auto rounds = constant_scalar(graph_, graph_.input(node_, 0));
    Types types = {TensorType{DType::kI64, std::vector<Dim>()},
                   TensorType{DType::kBool, std::vector<Dim>()}};
    for (int i = 2; i < node_.proto->input_size(); ++i) types.push_back(input_type(i));
    return product(rounds, body("body", types));
  }

  Count rounds_of_scan() const {
    const auto* given = attribute(node_, "num_scan_inputs");
    const auto* axes = attribute(node_, "scan_input_axes");
    const int inputs = node_.proto->input_size();
    if (given == nullptr || given->i() < 1 || given->i() > inputs) return std::nullopt;
    const int states = inputs - static_cast<int>(given->i());
    Types types;
    Count rounds;
    for (int i = 0; i < inputs; ++i) {
      std::optional<TensorType> type = input_type(i);
      if (i >= states && type) {
        const int k = i - states;
        const auto rank = static_cast<int64_t>(type->dims->size());
        int64_t axis = axes != nullptr && k < axes->ints_size() ? axes->ints(k) : 0;
        if (axis < 0) axis += rank;
        if (axis < 0 || axis >= rank) return std::nullopt;
        rounds = static_cast<uint64_t>((*type->dims)[axis].size);
        type->dims->erase(type->dims->begin() + axis);
      }
      types.push_back(std::move(type));
    }
    return product(rounds, body("body", types));
  }

  static Count product(Count rounds, Count macs) {
    if (macs == 0) return 0;
    return rounds && macs ? std::optional(saturating_mul(*rounds, *macs)) : std::nullopt;
  }

  std::optional<TensorType> input_type(int i) const {
    const Value* value = graph_.input(node_, i);
    return value == nullptr ? std::nullopt : fixed(value->type);
  }

  // One run of a sub-graph whose inputs have these types.
  Count body(const char* name, const Types& types) const {
    const auto* held = attribute(node_, name);
    if (held == nullptr || !held->has_g()) return std::nullopt;
    auto model = as_model(held->g(), types);
    if (!model) return std::nullopt;
    auto graph = build_graph(*std::move(model));
    if (!graph || !infer_types(*graph, probe_, {.may_run = false})) return std::nullopt;
    Count total = 0;
    for (const Node& node : graph->nodes) {
      const Count macs = node_macs(*graph, node);
      if (!macs) return std::nullopt;
      total = saturating_add(*total, *macs);
    }
    return total;
  }

  // The sub-graph on its own: what it captures is given to it, by its type alone unless it is small
  // and constant.
  Result<Model> as_model(const onnx::GraphProto& held, const Types& types) const {
    onnx::ModelProto model;
    model.set_ir_version(graph_.model.proto->ir_version());
    *model.mutable_opset_import() = graph_.model.proto->opset_import();
    *model.mutable_functions() = graph_.model.proto->functions();
    onnx::GraphProto& out = *model.mutable_graph();
    out = held;
    for (int i = 0; i < out.input_size() && i < static_cast<int>(types.size()); ++i) {
      if (types[i]) set_type(graph_, *types[i], *out.mutable_input(i)->mutable_type());
    }
    onnx::NodeProto holder;
    auto& attribute = *holder.add_attribute();
    *attribute.mutable_g() = held;
    for (const std::string& name : used_names(holder)) {
      const Value* value = graph_.find(name);
      if (value == nullptr) return invalid("'{}' is not there", printable(name));
      if (const auto* tensor = small_initializer(graph_, *value)) {
        *out.add_initializer() = *tensor;
        continue;
      }
      const auto type = fixed(value->type);
      if (!type) return invalid("the type of '{}' is not known", printable(name));
      auto& input = *out.add_input();
      input.set_name(name);
      set_type(graph_, *type, *input.mutable_type());
    }
    return make_model(std::move(model));
  }

  const Graph& graph_;
  const Node& node_;
  const TypeProbe& probe_;
};

}  // namespace

void count_inner_macs(Graph& graph, const TypeProbe& probe) {
  for (Node& node : graph.nodes) {
    if (has_subgraph(*node.proto)) node.inner_macs = SubgraphCounter(graph, node, probe).count();
  }
}

}  // namespace cloister
