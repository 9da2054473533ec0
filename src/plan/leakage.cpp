#include "plan/leakage.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "plan/words.h"

namespace cloister::plan {
namespace {

constexpr size_t kShownGates = 3;
constexpr size_t kMostReason = 300;

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string gates_words(const std::vector<audit::Gate>& gates) {
  std::string text;
  for (size_t i = 0; i < std::min(gates.size(), kShownGates); ++i) {
    text += (i > 0 ? "; " : "") + printable(gates[i].why, kMostReason);
  }
  if (gates.size() > kShownGates) {
    text += fmt::format("; and {} more", gates.size() - kShownGates);
  }
  return text;
}

Reason exposed(const audit::Policy& policy, const audit::CutVerdict& verdict) {
  const double lower = verdict.leakage.bounds.lower;
  if (verdict.scored && lower > policy.threshold) {
    return {Refusal::kExposed,
            fmt::format("its leakage ({}) was {} with a lower bound of {}, above the limit of "
                        "{}",
                        metric_words(policy), leakage_words(verdict.leakage.value),
                        leakage_words(lower), limit_words(policy.threshold))};
  }
  return {Refusal::kExposed, printable(verdict.sentence, kMostReason)};
}

void apply_verdict(const audit::Policy& policy, const audit::CutVerdict& verdict, CutLeakage& out) {
  out.verdict = verdict;
  out.leakage.outcome = audit::to_string(verdict.outcome);
  if (verdict.scored) {
    out.leakage.value = finite(verdict.leakage.value);
    out.leakage.upper = finite(verdict.leakage.bounds.upper);
  }
  switch (verdict.outcome) {
    case audit::Outcome::kResisted:
      break;
    case audit::Outcome::kExposed:
      out.refused = exposed(policy, verdict);
      break;
    case audit::Outcome::kInconclusive:
      out.refused = {Refusal::kUndecided,
                     fmt::format("the audit is inconclusive: {}", gates_words(verdict.failed))};
      break;
  }
}

}  // namespace

Result<AuditEvidence> audit_evidence(const PlanInputs& evidence, const audit::Policy& policy) {
  AuditEvidence out;
  if (evidence.audit == nullptr) {
    out.missing = "there is no audit";
    return out;
  }
  const std::string& audited = evidence.audit->model.sha256;
  if (audited != evidence.profile->model_sha256) {
    out.missing =
        fmt::format("the audit is of another model: SHA-256 {}, want {}", printable(audited, 12),
                    printable(evidence.profile->model_sha256, 12));
    return out;
  }
  auto scores = audit::scores_for(*evidence.audit, policy);
  if (!scores) return with_context(scores.error(), "audit");
  out.scores = *std::move(scores);
  out.input_shape = evidence.audit->model.input_shape;
  return out;
}

Result<std::vector<CutLeakage>> leakage_of_cuts(const profile::ProfileRecord& profile,
                                                const AuditEvidence& audit,
                                                const audit::Policy& policy) {
  std::map<std::string, audit::CutVerdict> verdicts;
  if (audit.scores) {
    auto judged = audit::judge(policy, *audit.scores);
    if (!judged) return with_context(judged.error(), "audit");
    for (audit::CutVerdict& verdict : *judged) verdicts.emplace(verdict.cut, std::move(verdict));
  }
  std::vector<CutLeakage> out(profile.cuts.size());
  // Deepest first: what a deeper cut gives away, a shallower one does too.
  const profile::CutCost* carrier = nullptr;
  const profile::CutCost* deeper_exposed = nullptr;
  uint64_t exposed_to = std::numeric_limits<uint64_t>::max();
  for (size_t i = out.size(); i-- > 0;) {
    const profile::CutCost& cut = profile.cuts[i];
    if (!cut.exposed_by_construction.empty()) {
      carrier = &cut;
      exposed_to = std::min(exposed_to, cut.exposed_to.value_or(cut.position));
    }
    out[i].exposed_to = exposed_to;
    const auto verdict = verdicts.find(cut.id);
    if (verdict != verdicts.end()) apply_verdict(policy, verdict->second, out[i]);
    if (carrier != nullptr) {
      out[i].leakage.outcome = audit::to_string(audit::Outcome::kExposed);
      out[i].hopeless = true;
      out[i].refused = {
          Refusal::kInputSeen,
          fmt::format(
              "exposed by construction: {}{}",
              carrier == &cut ? "" : fmt::format("the deeper cut {}: ", printable(carrier->id)),
              printable(carrier->exposed_by_construction, kMostReason))};
      out[i].refused_unexposed = {
          Refusal::kNotAudited,
          "the tail keeps the input from the accelerator, but audits only attack what crosses a "
          "cut whole"};
      continue;
    }
    if (verdict != verdicts.end()) {
      if (verdict->second.outcome == audit::Outcome::kExposed) deeper_exposed = &cut;
      continue;
    }
    out[i].leakage.outcome = kNotAudited;
    out[i].refused = {Refusal::kNotAudited,
                      audit.scores ? "the audit leaves this cut out" : audit.missing};
    if (deeper_exposed != nullptr) {
      out[i].hopeless = true;
      out[i].refused->why +=
          fmt::format("; it leaks no less than the deeper cut {}, which is exposed",
                      printable(deeper_exposed->id));
    }
  }
  // Shallowest first: what resisted speaks for what is deeper, but proves nothing of it.
  const profile::CutCost* resisted = nullptr;
  for (size_t i = 0; i < out.size(); ++i) {
    const profile::CutCost& cut = profile.cuts[i];
    if (!out[i].refused) resisted = &cut;
    if (!out[i].refused || out[i].refused->refusal != Refusal::kNotAudited || out[i].hopeless) {
      continue;
    }
    std::string& why = out[i].refused->why;
    if (resisted != nullptr) {
      why += fmt::format("; the shallower cut {} resisted, so it is worth auditing",
                         printable(resisted->id));
    }
    why += fmt::format(": cloister audit --cuts {}", printable(cut.id));
  }
  return out;
}

}  // namespace cloister::plan
