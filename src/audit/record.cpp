#include "audit/record.h"

#include <algorithm>

namespace cloister::audit {
namespace {

// The largest score of any baseline, for each input.
Result<std::vector<double>> floor_of(const AuditRecord& record, Metric metric) {
  std::vector<double> floor;
  for (const AttackerRecord& baseline : record.baselines) {
    const SplitScores& split = baseline.certification;
    if (split.metrics.empty()) continue;
    const auto* scores = split.scores(metric);
    if (scores == nullptr || !split.inputs.empty()) {
      return invalid("baseline '{}' has no {} score of every input", printable(baseline.name),
                     to_string(metric));
    }
    if (floor.empty()) floor = *scores;
    if (scores->size() != floor.size()) {
      return invalid("baseline '{}' has {} scores, want {}", printable(baseline.name),
                     scores->size(), floor.size());
    }
    std::ranges::transform(floor, *scores, floor.begin(),
                           [](double a, double b) { return std::max(a, b); });
  }
  // Where nothing was attacked there is none; judge() then has no inputs to go by.
  if (floor.empty() && record.kind != "none") {
    return invalid("no baseline has {} scores", to_string(metric));
  }
  return floor;
}

Result<CutScores> cut_scores(const CutRecord& cut, Metric metric) {
  CutScores out;
  out.cut = cut.id;
  out.carries_input = cut.exposed_by_construction;
  out.no_attacker = cut.no_attacker;
  out.data_gain = cut.data_gain;
  if (cut.probe && cut.probe->what == "label") out.label_probe = cut.probe->probe;
  for (const AttackerRecord& attacker : cut.attackers) {
    const SplitScores& split = attacker.certification;
    if (split.metrics.empty()) continue;
    // Left out, it would make the cut look safer than what was found.
    const auto* scores = split.scores(metric);
    if (scores == nullptr) {
      return invalid("cut '{}': attacker '{}' has no {} scores", printable(cut.id),
                     printable(attacker.name), to_string(metric));
    }
    out.runs.push_back({attacker.name, attacker.converged, split.inputs, *scores});
  }
  return out;
}

}  // namespace

const std::vector<double>* SplitScores::scores(Metric metric) const {
  const auto found = std::ranges::find(metrics, metric, &MetricScores::metric);
  return found == metrics.end() ? nullptr : &found->values;
}

Result<AuditScores> scores_for(const AuditRecord& record, const Policy& policy) {
  const Metric metric = without_floor(policy.metric);
  if (metric != record.metric) {
    return invalid("the record can't be judged by {}: its controls and data gains are in {}",
                   to_string(policy.metric), to_string(record.metric));
  }
  AuditScores out;
  TRY(floor, floor_of(record, metric));
  out.floor = floor;
  out.positive_controls = record.positive_controls;
  out.negative_controls = record.negative_controls;
  for (const CutRecord& cut : record.cuts) {
    TRY(scores, cut_scores(cut, metric));
    out.cuts.push_back(std::move(scores));
  }
  return out;
}

Result<> judge_record(AuditRecord& record, const Policy& policy) {
  TRY(scores, scores_for(record, policy));
  TRY(verdicts, judge(policy, scores));
  record.policy = policy;
  for (size_t i = 0; i < record.cuts.size(); ++i) record.cuts[i].verdict = verdicts[i];
  return {};
}

}  // namespace cloister::audit
