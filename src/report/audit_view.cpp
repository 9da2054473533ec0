#include "report/audit_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/mean.h"
#include "report/html.h"
#include "report/words.h"

namespace cloister::report {

using audit::Metric;
using audit::Outcome;

AuditView::AuditView(const audit::AuditRecord& record) : record_(record) {
  if (auto scores = audit::scores_for(record, record.policy)) floor_ = std::move(scores->floor);
  const auto hold = [&](double value) {
    if (!std::isfinite(value)) return;
    lowest_ = std::min(lowest_, value);
    highest_ = std::max(highest_, value);
  };
  hold(policy().threshold);
  for (const audit::CutRecord& cut : record.cuts) {
    for (const audit::AttackerRecord& attacker : cut.attackers) {
      if (const auto value = value_of(attacker)) hold(*value);
    }
    if (!cut.verdict || !cut.verdict->scored) continue;
    hold(cut.verdict->leakage.value);
    hold(cut.verdict->leakage.bounds.lower);
    hold(cut.verdict->leakage.bounds.upper);
    hold(cut.verdict->floor);
  }
}

bool AuditView::judged() const {
  return std::ranges::all_of(record_.cuts, [](const auto& cut) { return cut.verdict.has_value(); });
}

size_t AuditView::count(Outcome outcome) const {
  return static_cast<size_t>(std::ranges::count_if(record_.cuts, [&](const auto& cut) {
    return cut.verdict && cut.verdict->outcome == outcome;
  }));
}

std::optional<double> AuditView::floor() const {
  if (floor_.empty()) return std::nullopt;
  if (audit::info_of(policy().metric).is_advantage()) return 0;
  return statistic(floor_);
}

std::optional<double> AuditView::value_of(const audit::AttackerRecord& attacker) const {
  const Metric metric = audit::without_floor(policy().metric);
  const auto& split = attacker.certification;
  const auto* scores = split.scores(metric);
  if (scores == nullptr || scores->empty()) return std::nullopt;
  std::vector<double> values = *scores;
  if (metric != policy().metric) {
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t input = split.inputs.empty() ? i : split.inputs[i];
      if (input >= floor_.size()) return std::nullopt;
      values[i] -= floor_[input];
    }
  }
  return statistic(values);
}

std::optional<double> AuditView::statistic(const std::vector<double>& scores) const {
  switch (policy().statistic) {
    case audit::Statistic::kMean:
      return mean_of(scores);
    case audit::Statistic::kP95: {
      const auto value = audit::quantile(scores, 0.95);
      return value ? std::optional(*value) : std::nullopt;
    }
    case audit::Statistic::kWorst:
      break;
  }
  return *std::ranges::max_element(scores);
}

std::string badge(Outcome outcome) {
  // The sign tells them apart without colour.
  const char* sign = outcome == Outcome::kResisted ? "✓" : outcome == Outcome::kExposed ? "✕" : "?";
  return fmt::format("<span class=\"badge {0}\"><span aria-hidden=\"true\">{1}</span> {0}</span>",
                     audit::to_string(outcome), sign);
}

std::string tensor_names(const audit::CutRecord& cut) {
  std::string out;
  for (const audit::CrossingTensor& tensor : cut.tensors) {
    out += fmt::format("{}<span class=\"tensor\">{} <small>{} {}</small></span>",
                       out.empty() ? "" : " ", name(tensor.name, 120), dtype_name(tensor.dtype),
                       shape_text(tensor.shape));
  }
  return out;
}

}  // namespace cloister::report
