#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/bytes_text.h"
#include "report/audit_view.h"
#include "report/html.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using audit::CutRecord;
using audit::CutVerdict;
using audit::Outcome;

// Value and interval on the axis of all cuts, with floor and threshold: a chart for those whose
// browser runs no scripts.
std::string interval_svg(const AuditView& view, const CutVerdict& verdict) {
  const auto x = [&](double value) {
    const double share = (value - view.lowest()) / (view.highest() - view.lowest());
    return 2 + 156 * std::clamp(share, 0.0, 1.0);
  };
  const double lower = x(verdict.leakage.bounds.lower);
  const double upper = x(verdict.leakage.bounds.upper);
  std::string out = fmt::format(
      "<svg class=\"interval {}\" viewBox=\"0 0 160 18\" aria-hidden=\"true\">"
      "<path class=\"axis\" d=\"M2 9H158\"/>"
      "<path class=\"limit\" d=\"M{:.1f} 1V17\"/>"
      "<path class=\"range\" d=\"M{:.1f} 9H{:.1f}\"/>",
      audit::to_string(verdict.outcome), x(view.policy().threshold), lower,
      std::max(upper, lower + 1));
  if (view.floor())
    out += fmt::format("<path class=\"floor\" d=\"M{:.1f} 5V13\"/>", x(*view.floor()));
  return out +
         fmt::format("<circle cx=\"{:.1f}\" cy=\"9\" r=\"3.5\"/></svg>", x(verdict.leakage.value));
}

std::string leakage_cell(const AuditView& view, const CutRecord& cut) {
  if (!cut.verdict || !cut.verdict->scored) return "not scored";
  const CutVerdict& v = *cut.verdict;
  return fmt::format("<strong>{}</strong> <span class=\"bounds\">{} to {}</span>{}",
                     number(v.leakage.value), number(v.leakage.bounds.lower),
                     number(v.leakage.bounds.upper), interval_svg(view, v));
}

std::string above_cell(const CutRecord& cut) {
  if (!cut.verdict || !cut.verdict->scored) return "–";
  const CutVerdict& v = *cut.verdict;
  return fmt::format("{} of {}<small>{} to {} of all such inputs</small>", v.above, v.n,
                     percent(v.above_share.lower), percent(v.above_share.upper));
}

std::string probe_cell(const CutRecord& cut) {
  if (!cut.probe) return "not run";
  const auto& probe = cut.probe->probe;
  return fmt::format("{}<small>{} by guessing</small>", percent(probe.accuracy),
                     percent(probe.chance));
}

std::string verdict_cell(const CutRecord& cut) {
  if (!cut.verdict) return "not judged";
  std::string out = badge(cut.verdict->outcome);
  if (!cut.exposed_by_construction.empty()) {
    out += fmt::format("<small>the input {} itself crosses</small>",
                       name(cut.exposed_by_construction, 80));
  } else if (cut.verdict->outcome == Outcome::kInconclusive && !cut.verdict->failed.empty()) {
    out += fmt::format("<small>{}</small>", escape(gate_words(cut.verdict->failed[0].name)));
  }
  return out;
}

std::string row(const AuditView& view, const CutRecord& cut, size_t position) {
  const std::string share = fmt::format(
      "{}<svg class=\"share\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" "
      "aria-hidden=\"true\"><rect class=\"all\" width=\"100\" height=\"6\"/>"
      "<rect class=\"part\" width=\"{:.1f}\" height=\"6\"/></svg>",
      percent(cut.macs_share), 100 * cut.macs_share);
  return fmt::format("<tr>\n<th scope=\"row\"><a href=\"#cut-{}\"><small>{}</small> {}</a></th>\n",
                     escape(cut.id), position + 1, name(cut.id)) +
         cell("Verdict", verdict_cell(cut)) + cell("Leakage", leakage_cell(view, cut), "wide") +
         cell("Above the threshold", above_cell(cut)) + cell("Work that stays trusted", share) +
         cell("Crosses, per input", bytes_text(cut.bytes)) + cell("Label probe", probe_cell(cut)) +
         "</tr>\n";
}

}  // namespace

Section cuts_section(const AuditView& view) {
  std::string rows;
  for (size_t i = 0; i < view.record().cuts.size(); ++i) {
    rows += row(view, view.record().cuts[i], i);
  }
  std::string legend = fmt::format("threshold {}", number(view.policy().threshold));
  if (view.floor()) legend += fmt::format(", floor {}", number(*view.floor()));
  std::string meanings;
  for (const Outcome outcome : {Outcome::kResisted, Outcome::kInconclusive, Outcome::kExposed}) {
    meanings += fmt::format("<li>{} {}.</li>\n", badge(outcome), outcome_meaning(outcome));
  }
  return {
      "cuts", "Cuts", "Every cut that was attacked",
      fmt::format(
          "<table class=\"cuts\">\n<caption>Shallow to deep. Leakage is the {} {} over held-out "
          "inputs with its {} interval, corrected for the number of cuts; {}.</caption>\n<thead>"
          "<tr><th scope=\"col\">Cut</th><th scope=\"col\">Verdict</th><th scope=\"col\">Leakage"
          "</th><th scope=\"col\">Above the threshold</th><th scope=\"col\">Work that stays "
          "trusted</th><th scope=\"col\">Crosses, per input</th><th scope=\"col\">Label "
          "probe</th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n<ul class=\"meanings\">\n{}</ul>"
          "\n<p class=\"note\">The label probe is a classifier trained on the same feature maps. "
          "It "
          "shows what the accelerator learns without rebuilding anything, and no verdict depends "
          "on it.</p>\n",
          statistic_name(view.policy().statistic), escape(metric_name(view.policy().metric)),
          percent(view.policy().confidence), legend, rows, meanings)};
}

}  // namespace cloister::report
