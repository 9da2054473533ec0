#include "audit/protocol/data.h"

#include <algorithm>

#include "audit/attack/input_kinds.h"
#include "audit/protocol/input_kinds.h"

namespace cloister::audit {

SplitOptions split_options(const DataOptions& options, const Budget& budget) {
  SplitOptions split;
  split.seed = options.seed;
  split.victim_train = options.victim_train;
  split.max_attacker_train = static_cast<uint64_t>(budget.attacker_train);
  split.max_attacker_validation = static_cast<uint64_t>(budget.attacker_validation);
  split.max_selection = static_cast<uint64_t>(budget.selection);
  split.max_certification = static_cast<uint64_t>(budget.certification);
  return split;
}

// The parts one after another; `chosen` gets the data set's positions.
void lay_out(const Splits& splits, AuditData& data, std::vector<size_t>& chosen) {
  const auto add = [&](const std::vector<size_t>& part) {
    const auto first = static_cast<int64_t>(chosen.size());
    chosen.insert(chosen.end(), part.begin(), part.end());
    return at::arange(first, static_cast<int64_t>(chosen.size()), at::kLong);
  };
  data.certification = add(splits.certification);
  data.selection = add(splits.selection);
  data.validation = add(splits.attacker_validation);
  data.training = add(splits.attacker_train);
}

void take_items(const std::vector<Item>& items, const std::vector<size_t>& chosen,
                AuditData& data) {
  std::vector<int64_t> labels;
  for (const size_t i : chosen) {
    data.ids.push_back(items[i].id);
    labels.push_back(items[i].label);
  }
  if (std::ranges::all_of(labels, [](int64_t label) { return label >= 0; })) {
    data.labels = at::tensor(labels, at::kLong);
  }
}

void note_victim(const DataOptions& options, AuditData& data) {
  if (options.victim_train) return;
  data.notes.emplace_back(
      "The model's training inputs are not known: some of the inputs that the attacks were scored "
      "on may be among them.");
}

at::Tensor AuditData::used() const {
  return at::arange(inputs.size(0), at::kLong);
}

at::Tensor AuditData::originals(const at::Tensor& positions) const {
  return operations_of(space).from_stored(inputs.index_select(0, positions));
}

Result<AuditData> load_data(const DataOptions& options, const Budget& budget,
                            const TensorSpec& input, const ProgressCallback& tick) {
  std::error_code code;
  if (!fs::exists(options.path, code)) {
    return fail(Kind::kNotFound, "no data '{}'", printable(options.path.string(), 400));
  }
  auto data = protocol_of(input_kind(options.path)).load(options, budget, input, tick);
  if (!data && data.error().kind != Kind::kUsage) {
    return with_context(data.error(),
                        fmt::format("data '{}'", printable(options.path.string(), 400)));
  }
  return data;
}

}  // namespace cloister::audit
