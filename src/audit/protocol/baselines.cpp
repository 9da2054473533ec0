#include "audit/attack/baselines.h"

#include "audit/protocol/cut_attack.h"

namespace cloister::audit {

Result<std::vector<AttackerRecord>> run_baselines(const AuditData& data, const Scorer& scorer,
                                                  uint64_t seed) {
  const auto labels = [&](const at::Tensor& positions) {
    return data.labels.defined() ? data.labels.index_select(0, positions) : at::Tensor();
  };
  // Enough to know means from; the rest would only take memory.
  const at::Tensor sample = data.training.slice(0, 0, 20'000);
  const Known known{
      .space = &data.space,
      .inputs = data.originals(sample),
      .labels = labels(sample),
      .score = [&](const at::Tensor& guesses) { return scorer.mean(guesses, data.validation); },
      .validation = data.validation.size(0)};
  std::vector<AttackerRecord> records;
  for (const BaselineInfo& info : kBaselines) {
    if (info.needs_labels && !data.labels.defined()) continue;
    const auto scores = [&](const at::Tensor& part) -> Result<SplitScores> {
      TRY(guesses, guess_of(info)(known, {part.size(0), labels(part), seed}));
      return scorer.all(guesses, part, {});
    };
    AttackerRecord record;
    record.name = info.name;
    record.training_inputs = static_cast<uint64_t>(sample.size(0));
    TRY(selection, scores(data.selection));
    record.selection = std::move(selection);
    TRY(certification, scores(data.certification));
    record.certification = std::move(certification);
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace cloister::audit
