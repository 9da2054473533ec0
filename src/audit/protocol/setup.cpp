#include "audit/protocol/setup.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "audit/attack/precision.h"
#include "audit/protocol/choose_cuts.h"
#include "audit/protocol/input_kinds.h"
#include "base/sha256.h"
#include "engine/torch.h"
#include "graph/extract.h"

namespace cloister::audit {
namespace {

Result<> check_options(const AuditOptions& options) {
  for (const std::string& name : options.attackers) {
    TRY_OK(known_attacker(name));
  }
  if (options.attackers.empty()) return fail(Kind::kUsage, "no attackers");
  if (options.shards < 1 || (options.shard && *options.shard >= options.shards)) {
    return fail(Kind::kUsage, "shard {} of {}: want 0/n to (n-1)/n", options.shard.value_or(0),
                options.shards);
  }
  if (options.shard && options.merge) {
    return fail(Kind::kUsage, "a shard is run, or all are merged: not both");
  }
  return {};
}

Result<> check_policy(const Policy& policy, Metric metric) {
  if (without_floor(policy.metric) == metric) return {};
  return fail(Kind::kUsage, "threshold: {} does not go with this data, want {} or {}_advantage",
              to_string(policy.metric), to_string(metric), to_string(metric));
}

std::string digest_of(const NamedTensor& held) {
  return to_hex(sha256(held.tensor.data()));
}

std::string identity_of(const AuditOptions& options, const AuditRecord& frame,
                        const AuditData& data) {
  nlohmann::ordered_json root{
      {"model", frame.model.sha256},
      {"data", nlohmann::ordered_json::parse(data.splits)},
      {"input", data.space.item},
      {"preprocess", data.preprocess.empty() ? nlohmann::ordered_json()
                                             : nlohmann::ordered_json::parse(data.preprocess)},
      {"seed", options.seed},
      {"device", options.device},
      {"threads", options.threads},
      {"libtorch", torch_version()},
      {"training_type", at::toString(training_type(at::Device(options.device)))}};
  for (const auto& [name, value] : budget_numbers(options.budget)) root["budget"][name] = value;
  for (const NamedTensor& held : data.space.held) root["public"][held.name] = digest_of(held);
  for (const ColumnCode& column : data.space.columns) {
    root["columns"].push_back({column.name, column.width, column.centre, column.spread});
  }
  return root.dump(2) + "\n";
}

}  // namespace

Result<TensorSpec> attacked_input(const Graph& graph,
                                  const std::vector<NamedTensor>& public_inputs) {
  std::vector<const Value*> inputs;
  std::vector<std::string> names;
  for (const Value& value : graph.values) {
    if (!value.is_input) continue;
    const auto held = std::ranges::find(public_inputs, value.name, &NamedTensor::name);
    if (held != public_inputs.end()) continue;
    inputs.push_back(&value);
    names.push_back(printable(value.name));
  }
  if (inputs.size() != 1) {
    return fail(Kind::kUnsupported,
                "an audit attacks one input, and {} of the model's are not public{}{}; give those "
                "that are no secret with --public NAME=FILE.npy",
                inputs.size(), names.empty() ? "" : ": ", fmt::join(names, ", "));
  }
  const Value& input = *inputs[0];
  if (!input.type.dtype || !input.type.dims) {
    return fail(Kind::kUnsupported, "the type of input '{}' is not known", printable(input.name));
  }
  TensorSpec spec{input.name, *input.type.dtype, {}};
  for (const Dim& dim : *input.type.dims) spec.dims.push_back(dim.times_batch ? -1 : dim.size);
  return spec;
}

Result<CutTarget> make_target(const AuditModel& model, size_t index) {
  const Cut& cut = model.cuts.cuts[index];
  CutTarget target;
  target.about.id = cut.id;
  target.about.macs_share = model.cuts.macs_share(cut);
  target.about.exposed_by_construction = cut.exposed_by_construction;
  target.about.bytes = cut.bytes.value_or(0);
  for (const ValueId id : cut.tensors) {
    const Value& value = model.graph.values[id];
    CrossingTensor tensor{value.name, value.type.dtype.value_or(DType::kF32), {}};
    if (value.type.dims) {
      for (const Dim& dim : *value.type.dims) {
        tensor.shape.push_back(dim.times_batch ? 1 : std::max<int64_t>(dim.size, 1));
      }
    }
    target.about.tensors.push_back(std::move(tensor));
  }
  if (cut.exposed_by_construction.empty()) {
    TRY(segments, split(model.graph, {cut}));
    target.head = std::move(segments[0]);
  }
  return target;
}

Result<Setup> set_up(const AuditModel& model, const AuditOptions& options, AuditRecord& frame,
                     const ProgressCallback& tick) {
  TRY_OK(check_options(options));
  TRY(input, attacked_input(model.graph, options.public_inputs));
  TRY(cuts, choose_cuts(model.graph, model.cuts, options.cuts));
  TRY(data, load_data(options.data, options.budget, input, tick));
  Setup setup;
  setup.cuts = cuts;
  setup.data = std::make_unique<AuditData>(std::move(data));
  setup.data->space.held = options.public_inputs;
  setup.scorer = std::make_unique<Scorer>(*setup.data);
  if (options.second_model && protocol_of(setup.data->space.kind).second_model) {
    TRY(witness, EvaluationModel::make(*options.second_model, setup.data->space.preprocess,
                                       at::Device(options.device)));
    TRY_OK(setup.scorer->add_witness(witness));
  }
  TRY_OK(check_policy(options.policy, setup.scorer->metric()));

  frame.kind = info_of(setup.data->space.kind).name;
  frame.splits = setup.data->splits;
  frame.metric = setup.scorer->metric();
  frame.policy = options.policy;
  frame.model.input = input.name;
  frame.model.input_shape = setup.data->space.item;
  frame.model.input_shape.insert(frame.model.input_shape.begin(), 1);
  frame.settings.budget = options.budget.name;
  frame.settings.seed = options.seed;
  frame.settings.size = setup.data->height;
  frame.settings.threads = options.threads;
  frame.settings.device = options.device;
  frame.settings.libtorch = torch_version();
  frame.settings.numbers = budget_numbers(options.budget);
  frame.notes = setup.data->notes;
  for (const NamedTensor& held : options.public_inputs) {
    frame.notes.push_back(fmt::format("The input {} is public: {}{} with the SHA-256 {} for all.",
                                      held.name, dtype_name(held.tensor.dtype()),
                                      shape_text(held.tensor.shape()), digest_of(held)));
  }
  frame.notes.push_back(
      fmt::format("Attackers' networks multiplied in {}, with weights in float32.",
                  at::toString(training_type(at::Device(options.device)))));
  setup.identity = identity_of(options, frame, *setup.data);
  TRY(baselines, run_baselines(*setup.data, *setup.scorer, options.seed));
  frame.baselines = std::move(baselines);
  return setup;
}

}  // namespace cloister::audit
