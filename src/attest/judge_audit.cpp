#include "attest/judge_audit.h"

#include <algorithm>

#include "audit/record.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kIds[] = {"audit.record", "audit.model", "audit.verdict"};
constexpr size_t kShownText = 400;

std::string wanted(const audit::Policy& policy) {
  return fmt::format("resisted: {} {} at most {}, {} inputs or more", audit::word(policy.statistic),
                     audit::word(policy.metric), policy.threshold, policy.n_min);
}

// Of the cut that is served, under the policy.
Result<audit::CutVerdict> verdict_of(const audit::AuditRecord& record, const audit::Policy& policy,
                                     const std::string& cut) {
  TRY(scores, audit::scores_for(record, policy));
  TRY(verdicts, audit::judge(policy, scores));
  const auto found = std::ranges::find(verdicts, cut, &audit::CutVerdict::cut);
  if (found == verdicts.end()) return invalid("the audit leaves out cut {}", printable(cut));
  return *found;
}

// What needs no audit, because of where the segments run. Whether that settles it.
bool judge_placement(Checks& checks, const bundle::Manifest& manifest) {
  const auto untrusted = [](const bundle::SegmentInfo& segment) {
    return segment.placement == bundle::Placement::kUntrusted;
  };
  if (std::ranges::none_of(manifest.segments, untrusted)) {
    for (const std::string_view id : kIds) {
      checks.not_applicable(id, "the whole model runs in the trusted environment");
    }
    return true;
  }
  if (untrusted(manifest.segments.front())) {
    checks.judge("audit.verdict", false, "the accelerator gets the input itself",
                 "a trusted head before it", "audit.leakage");
    checks.block_rest("audit.verdict");
    return true;
  }
  return false;
}

}  // namespace

std::span<const std::string_view> audit_checks() {
  return kIds;
}

void judge_audit(Checks& checks, const AuditPolicy& policy, const bundle::Manifest& manifest,
                 const std::string* audit_json) {
  if (policy.accept_unaudited) {
    for (const std::string_view id : kIds) {
      checks.not_applicable(id, "the policy accepts any leakage (audit.accept_unaudited)");
    }
    return;
  }
  if (judge_placement(checks, manifest)) return;
  if (!policy.leakage) {
    checks.judge("audit.verdict", false, "", "the policy asks for nothing: nothing can be it",
                 "audit.leakage");
    return checks.block_rest("audit.verdict");
  }
  // 1. There is one, and it can be read.
  const auto record = audit_json == nullptr
                          ? Result<audit::AuditRecord>(invalid("the bundle has none"))
                          : audit::parse_record(*audit_json);
  checks.judge("audit.record", record ? Result<>{} : std::unexpected(record.error()), "audit.json",
               "an audit of the cut", "audit.leakage");
  if (!record) return checks.block_rest("audit.record");
  // 2. It is of this model.
  checks.judge("audit.model", record->model.sha256 == manifest.model_sha256,
               printable(record->model.sha256, 64), manifest.model_sha256, "audit.leakage");
  // 3. Under the policy, the cut resisted.
  const auto verdict = verdict_of(*record, *policy.leakage, manifest.cut);
  const bool resisted = verdict && verdict->outcome == audit::Outcome::kResisted;
  checks.judge("audit.verdict", resisted,
               printable(verdict ? verdict->sentence : verdict.error().message, kShownText),
               wanted(*policy.leakage), "audit.leakage");
}

}  // namespace cloister::attest
