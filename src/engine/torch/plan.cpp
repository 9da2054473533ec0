#include "engine/torch/plan.h"

#include <set>

#include "engine/torch/convert.h"
#include "engine/torch/registry.h"
#include "graph/onnx.h"
#include "graph/weights.h"

namespace cloister::ops {
namespace {

Result<at::Tensor> value_of(const onnx::TensorProto& tensor) {
  ExternalFiles none("/nonexistent");
  TRY(value, tensor_value(tensor, none));
  return to_torch(value.view());
}

// Nothing for graphs, which become blocks, and for kinds that no operator here reads.
Result<std::optional<Attribute>> attribute_of(const onnx::AttributeProto& attribute) {
  switch (attribute.type()) {
    case onnx::AttributeProto::INT:
      return attribute.i();
    case onnx::AttributeProto::FLOAT:
      return static_cast<double>(attribute.f());
    case onnx::AttributeProto::STRING:
      return attribute.s();
    case onnx::AttributeProto::INTS:
      return Ints(attribute.ints().begin(), attribute.ints().end());
    case onnx::AttributeProto::FLOATS:
      return std::vector<double>(attribute.floats().begin(), attribute.floats().end());
    case onnx::AttributeProto::STRINGS:
      return std::vector<std::string>(attribute.strings().begin(), attribute.strings().end());
    case onnx::AttributeProto::TENSOR: {
      TRY(value, value_of(attribute.t()));
      return value;
    }
    default:
      return std::nullopt;
  }
}

// Names of a sub-graph; those that it lacks belong to the graph around it.
struct Scope {
  std::map<std::string, Slot> names;
  const Scope* around = nullptr;

  Slot find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->around) {
      if (const auto found = scope->names.find(name); found != scope->names.end()) {
        return found->second;
      }
    }
    return kNoSlot;
  }
};

class Planner {
 public:
  explicit Planner(const Graph& graph) : graph_(graph) {
    for (const auto& import : graph.model.proto->opset_import()) {
      if (is_onnx_domain(import.domain())) opset_ = import.version();
    }
  }

  Result<Plan> make() {
    Scope scope;
    for (const auto& [name, id] : graph_.ids) scope.names[name] = static_cast<Slot>(id);
    slots_ = graph_.values.size();
    for (const Node& node : graph_.nodes) {
      TRY(step, make_step(*node.proto, scope));
      plan_.main.steps.push_back(std::move(step));
    }
    for (const ValueId id : graph_.inputs) {
      if (!graph_.values[id].is_constant) plan_.main.inputs.push_back(static_cast<Slot>(id));
    }
    for (const ValueId id : graph_.outputs) plan_.main.outputs.push_back(static_cast<Slot>(id));
    mark_releases();
    TRY_OK(add_weights());
    plan_.slots = slots_;
    return std::move(plan_);
  }

 private:
  Result<Step> make_step(const onnx::NodeProto& proto, const Scope& scope) {
    Step step;
    step.node.label = node_label(proto);
    step.node.op = proto.op_type();
    step.node.opset = opset_;
    const OperatorEntry* entry =
        is_onnx_domain(proto.domain()) ? find_operator(proto.op_type()) : nullptr;
    if (entry != nullptr) {
      step.run = entry->run;
      step.host_inputs = entry->host_inputs;
    } else if (!is_onnx_domain(proto.domain()) || !is_control_flow(proto.op_type())) {
      return fail(
          Kind::kUnsupported, "{}: the LibTorch engine has no operator '{}'{}", step.node.label,
          printable(proto.op_type()),
          is_onnx_domain(proto.domain()) ? "" : " of domain '" + printable(proto.domain()) + "'");
    }
    for (const std::string& name : proto.input()) {
      step.inputs.push_back(name.empty() ? kNoSlot : scope.find(name));
    }
    for (const std::string& name : proto.output()) {
      step.outputs.push_back(name.empty() ? kNoSlot : scope.find(name));
    }
    while (!step.outputs.empty() && step.outputs.back() == kNoSlot) step.outputs.pop_back();
    step.node.outputs = step.outputs.size();
    for (const auto& attribute : proto.attribute()) {
      if (attribute.has_g()) {
        TRY(block, make_block(attribute.g(), scope));
        step.blocks.emplace(attribute.name(), std::move(block));
        continue;
      }
      const auto value = attribute_of(attribute);
      if (!value) return with_context(value.error(), step.node.label);
      if (*value) step.node.attributes.emplace(attribute.name(), **value);
    }
    return step;
  }

  Result<Block> make_block(const onnx::GraphProto& graph, const Scope& around) {
    Block block;
    Scope scope{{}, &around};
    const auto add = [&](const std::string& name) {
      const auto slot = static_cast<Slot>(slots_++);
      scope.names[name] = slot;
      return slot;
    };
    for (const auto& tensor : graph.initializer()) {
      TRY(value, value_of(tensor));
      block.constants.emplace_back(add(tensor.name()), value);
    }
    for (const auto& input : graph.input()) block.inputs.push_back(add(input.name()));
    for (const auto& node : graph.node()) {
      for (const std::string& name : node.output()) {
        if (!name.empty()) add(name);
      }
    }
    for (const auto& node : graph.node()) {
      TRY(step, make_step(node, scope));
      block.steps.push_back(std::move(step));
    }
    for (const auto& output : graph.output()) block.outputs.push_back(scope.find(output.name()));
    return block;
  }

  void mark_releases() {
    std::set<ValueId> kept(graph_.outputs.begin(), graph_.outputs.end());
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      const auto release = [&](ValueId id) {
        if (kept.insert(id).second) {
          plan_.main.steps[i].release.push_back(static_cast<Slot>(id));
        }
      };
      for (const ValueId id : graph_.nodes[i].inputs) release(id);
      for (const ValueId id : graph_.nodes[i].outputs) release(id);
    }
  }

  Result<> add_weights() {
    std::set<Slot> device_used;
    std::set<Slot> statistics;
    note_uses(plan_.main, device_used, statistics);
    for (const Slot slot : plan_.main.outputs) device_used.insert(slot);
    for (const auto& tensor : graph_.model.proto->graph().initializer()) {
      const auto id = graph_.ids.find(tensor.name());
      if (id == graph_.ids.end()) continue;
      const auto value = weight_value(tensor);
      if (!value) {
        return with_context(value.error(), "initializer '" + printable(tensor.name()) + "'");
      }
      const auto slot = static_cast<Slot>(id->second);
      plan_.weights.push_back(
          {tensor.name(), slot, *value, statistics.contains(slot), !device_used.contains(slot)});
    }
    return {};
  }

  // Slots that are used as tensors, and those that are a BatchNormalization's statistics (maybe
  // through an Identity).
  void note_uses(const Block& block, std::set<Slot>& device_used, std::set<Slot>& statistics) {
    for (auto step = block.steps.rbegin(); step != block.steps.rend(); ++step) {
      for (size_t i = 0; i < step->inputs.size(); ++i) {
        const bool is_host = i < 32 && (step->host_inputs >> i & 1) != 0;
        if (!is_host) device_used.insert(step->inputs[i]);
        if (step->node.op == "BatchNormalization" && i >= 3) statistics.insert(step->inputs[i]);
        if (step->node.op == "Identity" && statistics.contains(step->outputs[0])) {
          statistics.insert(step->inputs[i]);
        }
      }
      for (const auto& [_, inner] : step->blocks) {
        note_uses(inner, device_used, statistics);
        device_used.insert(inner.outputs.begin(), inner.outputs.end());
      }
    }
  }

  Result<at::Tensor> weight_value(const onnx::TensorProto& tensor) const {
    const auto weight = graph_.model.weights.find(tensor.name());
    if (weight == graph_.model.weights.end()) return value_of(tensor);
    return to_torch(weight->second.view());
  }

  const Graph& graph_;
  int64_t opset_ = 0;
  size_t slots_ = 0;
  Plan plan_;
};

}  // namespace

Result<Plan> make_plan(const Graph& graph) {
  return Planner(graph).make();
}

}  // namespace cloister::ops
