#include "audit/attack/baselines.h"

#include "audit/protocol/cut_attack.h"

namespace cloister::audit {

Result<std::vector<AttackerRecord>> run_baselines(const AuditData& data, const Scorer& scorer,
                                                  uint64_t seed) {
  const auto inputs = [&](const at::Tensor& positions) {
    const at::Tensor picked = data.inputs.index_select(0, positions);
    return data.space.is_table() ? picked : picked.to(at::kFloat).mul_(1.0 / 255);
  };
  const auto labels = [&](const at::Tensor& positions) {
    return data.labels.index_select(0, positions);
  };
  // Enough to know means from; the rest would only take memory.
  const at::Tensor sample = data.training.slice(0, 0, 20'000);
  const Known known{&data.space, inputs(sample),
                    data.labels.defined() ? labels(sample) : at::Tensor()};
  std::vector<AttackerRecord> records;
  const auto add = [&](const std::string& name, const auto& guess) -> Result<> {
    AttackerRecord record;
    record.name = name;
    record.training_inputs = static_cast<uint64_t>(sample.size(0));
    TRY(selection, guess(data.selection));
    TRY(selection_scores, scorer.all(selection, data.selection, {}));
    record.selection = std::move(selection_scores);
    TRY(certification, guess(data.certification));
    TRY(certification_scores, scorer.all(certification, data.certification, {}));
    record.certification = std::move(certification_scores);
    records.push_back(std::move(record));
    return {};
  };
  TRY_OK(add("constant", [&](const at::Tensor& part) {
    return guess_constant(
        known, data.validation.size(0),
        [&](const at::Tensor& guesses) { return scorer.mean(guesses, data.validation); },
        part.size(0));
  }));
  if (!data.labels.defined()) return records;
  TRY_OK(add("class-mean", [&](const at::Tensor& part) -> Result<at::Tensor> {
    return guess_class_mean(known, labels(part));
  }));
  TRY_OK(add("random-same-class", [&](const at::Tensor& part) -> Result<at::Tensor> {
    return guess_same_class(known, labels(part), seed);
  }));
  return records;
}

}  // namespace cloister::audit
