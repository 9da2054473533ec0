#include "audit/attack/baselines.h"

namespace cloister::audit {

at::Tensor typical_row(const InputSpace& space, const at::Tensor& rows) {
  at::Tensor row = std::get<0>(rows.median(0)).unsqueeze(0).clone();
  for (const ColumnCode& column : space.columns) {
    if (!column.categorical || column.width < 2) continue;
    const auto first = static_cast<int64_t>(column.first);
    const auto end = first + static_cast<int64_t>(column.width);
    const auto mode = rows.slice(1, first, end).mean(0).argmax().item<int64_t>();
    at::Tensor slots = row.slice(1, first, end);
    slots.zero_();
    slots[0][mode] = 1;
  }
  return row;
}

Result<at::Tensor> guess_constant(const Known& known, int64_t validation, const ScoreGuess& score,
                                  int64_t count) {
  std::vector<at::Tensor> candidates;
  if (known.space->is_table()) {
    candidates = {typical_row(*known.space, known.inputs)};
  } else {
    const at::Tensor mean = known.inputs.mean(0, true);
    candidates = {mean, mean.mean({2, 3}, true).expand_as(mean).contiguous(),
                  std::get<0>(known.inputs.median(0)).unsqueeze(0)};
  }
  const auto repeat = [](const at::Tensor& one, int64_t times) {
    Shape shape = one.sizes().vec();
    shape[0] = times;
    return one.expand(shape).contiguous();
  };
  at::Tensor best;
  double highest = 0;
  for (const at::Tensor& candidate : candidates) {
    TRY(value, score(repeat(candidate, validation)));
    if (best.defined() && value <= highest) continue;
    highest = value;
    best = candidate;
  }
  return repeat(best, count);
}

}  // namespace cloister::audit
