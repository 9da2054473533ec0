#include "report/plan_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/audit_view.h"
#include "report/html.h"

namespace cloister::report {
namespace {

using plan::Candidate;
using plan::Plan;
using plan::Refusal;

// Rows of the two tables.
constexpr size_t kMaxFirst = 200;
constexpr size_t kMaxRest = 500;

bool is_cut_of(const Records& records, const std::string& id) {
  return records.profile != nullptr &&
         std::ranges::any_of(records.profile->cuts, [&](const auto& cut) { return cut.id == id; });
}

// What is no number comes last.
bool is_faster(const Candidate& a, const Candidate& b) {
  if (std::isnan(a.latency_ms) || std::isnan(b.latency_ms)) return !std::isnan(a.latency_ms);
  return a.latency_ms < b.latency_ms;
}

}  // namespace

const Candidate* all_trusted(const Plan& plan) {
  const auto found = std::ranges::find_if(plan.candidates, plan::is_all_trusted);
  return found == plan.candidates.end() ? nullptr : &*found;
}

const Candidate* all_untrusted(const Plan& plan) {
  const Candidate* best = nullptr;
  for (const Candidate& c : plan.candidates) {
    if (!is_all_untrusted(c)) continue;
    const bool is_chosen_device = c.device == plan.choice().device;
    if (best == nullptr || is_chosen_device) best = &c;
    if (is_chosen_device) break;
    if (c.latency_ms < best->latency_ms) best = &c;
  }
  return best;
}

bool is_reference(const Candidate& candidate) {
  return !has_cut(candidate);
}

bool is_of_leakage(Refusal refusal) {
  using enum Refusal;
  return refusal == kInputSeen || refusal == kNotAudited || refusal == kExposed ||
         refusal == kUndecided || refusal == kResultSeen;
}

std::string_view refusal_words(Refusal refusal) {
  using enum Refusal;
  switch (refusal) {
    case kInputSeen:
      return "the accelerator sees the input";
    case kNotAudited:
      return "not audited";
    case kExposed:
      return "leaks too much";
    case kUndecided:
      return "not shown to resist";
    case kResultSeen:
      return "the accelerator sees the result";
    case kDevice:
      return "a device that the policy does not allow";
    case kMemory:
      return "too much trusted memory";
    case kLatency:
      return "too slow";
    case kThroughput:
      break;
  }
  return "too few items a second";
}

std::string_view objective_words(plan::Objective objective) {
  using enum plan::Objective;
  switch (objective) {
    case kLatency:
      return "latency";
    case kThroughput:
      return "throughput";
    case kTrustedMemory:
      break;
  }
  return "trusted memory";
}

std::string outcome_badge(const std::string& outcome) {
  using enum audit::Outcome;
  for (const audit::Outcome known : {kResisted, kInconclusive, kExposed}) {
    if (outcome == audit::to_string(known)) return badge(known);
  }
  return fmt::format("<span class=\"badge unknown\"><span aria-hidden=\"true\">○</span> {}</span>",
                     escape(outcome, 40));
}

std::string timing_words(const profile::Timing& timing) {
  return fmt::format("{} <small>{} to {}</small>", ms_words(timing.ms), ms_words(timing.low),
                     ms_words(timing.high));
}

std::string tag(std::string_view word) {
  return fmt::format("<span class=\"tag\">{}</span>", word);
}

std::string marks(const Candidate& candidate) {
  const bool interpolated = !candidate.measured && !is_reference(candidate);
  return (candidate.modelled ? " " + tag("modelled") : "") +
         (interpolated ? " " + tag("interpolated") : "");
}

std::string plain_title(const Candidate& candidate) {
  if (is_all_trusted(candidate)) return "all trusted";
  if (is_all_untrusted(candidate)) return "all untrusted";
  return fmt::format("cut{} {}", candidate.segments.size() > 2 ? "s" : "",
                     fmt::join(cuts_between(candidate.segments), " and "));
}

std::string parts_words(const Candidate& candidate) {
  const auto digits = [](double ms) {
    return std::isfinite(ms) ? fmt::format("{:.{}f}", ms, std::abs(ms) < 100 ? 2 : 0) : "–";
  };
  return fmt::format("{} + {} + {} ms", digits(candidate.trusted_ms), digits(candidate.link_ms),
                     digits(candidate.untrusted_ms));
}

std::string cut_link(const Records& records, const std::string& id, const std::string& html) {
  if (is_cut_of(records, id)) {
    return fmt::format("<a href=\"#network\" data-cut=\"{}\">{}</a>", escape(id), html);
  }
  if (audited(records, id) == nullptr) return html;
  return fmt::format("<a href=\"#cut-{}\">{}</a>", escape(id), html);
}

std::string linked_title(const Records& records, const Candidate& candidate) {
  if (is_reference(candidate)) return plain_title(candidate);
  std::vector<std::string> links;
  for (const std::string& cut : cuts_between(candidate.segments)) {
    links.push_back(cut_link(records, cut, name(cut, 60)));
  }
  return fmt::format("{}", fmt::join(links, " and "));
}

const audit::CutRecord* audited(const Records& records, const std::string& cut) {
  if (records.audit == nullptr) return nullptr;
  const auto found = std::ranges::find(records.audit->cuts, cut, &audit::CutRecord::id);
  return found == records.audit->cuts.end() ? nullptr : &*found;
}

Ranked rank(const Plan& plan) {
  Ranked out;
  std::vector<size_t> others;
  for (size_t i = 0; i < plan.candidates.size(); ++i) {
    const bool always = i == plan.chosen || is_reference(plan.candidates[i]);
    (always ? out.first : others).push_back(i);
  }
  const auto faster = [&](size_t a, size_t b) {
    return is_faster(plan.candidates[a], plan.candidates[b]);
  };
  std::ranges::stable_sort(others, faster);
  for (const size_t i : others) {
    const bool first = plan.candidates[i].pareto && out.first.size() < kMaxFirst;
    (first ? out.first : out.rest).push_back(i);
  }
  std::ranges::stable_sort(out.first, faster);
  if (out.rest.size() > kMaxRest) {
    out.left_out = out.rest.size() - kMaxRest;
    out.rest.resize(kMaxRest);
  }
  return out;
}

bool is_better(const Candidate& a, const Candidate& b) {
  if (a.admissible() != b.admissible()) return a.admissible();
  return is_faster(a, b);
}

const Candidate* best_of_cut(const Plan& plan, const std::string& cut) {
  const Candidate& chosen = plan.choice();
  if (!is_reference(chosen) && first_cut(chosen) == cut) return &chosen;
  const bool wanted = plan.policy.result_may_be_seen;
  const Candidate* best = nullptr;
  for (const Candidate& c : plan.candidates) {
    if (is_reference(c) || first_cut(c) != cut) continue;
    const bool fits = shows_result(c) == wanted;
    const bool best_fits = best != nullptr && shows_result(*best) == wanted;
    if (best == nullptr || (fits == best_fits ? is_better(c, *best) : fits)) best = &c;
  }
  return best;
}

}  // namespace cloister::report
