#include "trust/appraise_audit.h"

#include <algorithm>
#include <set>

#include "audit/record.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kAuditChecks[] = {"audit.record", "audit.model", "audit.verdict"};
constexpr size_t kShownText = 400;

std::string wanted(const audit::Policy& policy) {
  return fmt::format("resisted: {} {} at most {}, {} inputs or more",
                     audit::to_string(policy.statistic), audit::to_string(policy.metric),
                     policy.threshold, policy.n_min);
}

// Numbers drawn, about, in judging an audit: whoever signs one does not keep the judge busy for
// more than a minute or so. An audit of 100 cuts, 2000 inputs and 10,000 resamples takes 4e9.
constexpr double kMostDraws = 5e9;

// Each cut is judged by all inputs, and by those of every attacker that attacked others, of its own
// and of deeper cuts.
double draws_of(const audit::AuditScores& scores, const audit::Policy& policy) {
  std::set<std::vector<size_t>> looks;
  auto inputs = static_cast<double>(scores.floor.size());
  double sum = 0;
  for (size_t i = scores.cuts.size(); i-- > 0;) {
    for (const audit::AttackerRun& run : scores.cuts[i].runs) {
      if (!looks.insert(run.inputs).second) continue;
      inputs += static_cast<double>(run.inputs.empty() ? scores.floor.size() : run.inputs.size());
    }
    sum += inputs;
  }
  // Sorting and room count too, where nothing is drawn.
  constexpr uint64_t kLeast = 1000;
  const bool draws = policy.statistic == audit::Statistic::kMean;
  return sum * static_cast<double>(draws ? std::max(policy.resamples, kLeast) : kLeast);
}

// Dimensions of shapes cross beside a cut's tensors, and its record does not list them.
bool may_be_dimension(DType dtype) {
  return dtype == DType::kI64 || dtype == DType::kI32 || dtype == DType::kBool;
}

// What the accelerator gets is what was attacked: a cut's id alone says nothing of the segments.
Result<> check_crossing(const audit::CutRecord& cut, const SegmentInfo& segment) {
  for (const TensorSpec& input : segment.inputs) {
    if (may_be_dimension(input.dtype)) continue;
    if (std::ranges::find(cut.tensors, input.name, &audit::CrossingTensor::name) ==
        cut.tensors.end()) {
      return invalid("'{}' crosses to '{}', which the audit of cut {} did not attack",
                     printable(input.name), printable(segment.name), printable(cut.id));
    }
  }
  return {};
}

// Of the cuts at which untrusted segments begin, under the policy: the first that did not resist,
// or the first.
Result<audit::CutVerdict> verdict_of(const audit::AuditRecord& record, const audit::Policy& policy,
                                     const bundle::Manifest& manifest) {
  TRY(scores, audit::scores_for(record, policy));
  const double draws = draws_of(scores, policy);
  if (draws > kMostDraws) {
    return invalid("judging {} cuts by {} inputs draws {:.3g} numbers, want at most {:.3g}",
                   scores.cuts.size(), scores.floor.size(), draws, kMostDraws);
  }
  TRY(verdicts, audit::judge(policy, scores));
  std::optional<audit::CutVerdict> first;
  for (const SegmentInfo& segment : manifest.segments) {
    if (segment.placement != Placement::kUntrusted) continue;
    const auto found = std::ranges::find(verdicts, segment.begin_cut, &audit::CutVerdict::cut);
    if (found == verdicts.end()) {
      return invalid("the audit leaves out cut {}", printable(segment.begin_cut));
    }
    TRY_OK(check_crossing(record.cuts[static_cast<size_t>(found - verdicts.begin())], segment));
    if (found->outcome != audit::Outcome::kResisted) return *found;
    if (!first) first = *found;
  }
  if (!first) return fail(Kind::kInternal, "no untrusted segment");
  return *first;
}

// What needs no audit, because of where the segments run. Whether that settles it.
bool judge_placement(Checks& checks, const bundle::Manifest& manifest) {
  const auto untrusted = [](const SegmentInfo& segment) {
    return segment.placement == Placement::kUntrusted;
  };
  if (std::ranges::none_of(manifest.segments, untrusted)) {
    for (const std::string_view id : kAuditChecks) {
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
  return kAuditChecks;
}

void appraise_audit(Checks& checks, const AuditPolicy& policy, const bundle::Manifest& manifest,
                    const std::string* audit_json) {
  if (policy.accept_unaudited) {
    for (const std::string_view id : kAuditChecks) {
      checks.not_applicable(id, "the policy accepts any leakage (audit.accept_unaudited)");
    }
    return;
  }
  if (judge_placement(checks, manifest)) return;
  if (!policy.leakage) {
    checks.judge("audit.verdict", false, "",
                 "the policy gives no leakage limit: nothing can satisfy it", "audit.leakage");
    return checks.block_rest("audit.verdict");
  }
  // 1. There is one, and it can be read.
  const auto record = audit_json == nullptr
                          ? Result<audit::AuditRecord>(invalid("the bundle has no audit"))
                          : audit::parse_record(*audit_json);
  checks.judge("audit.record", record ? Result<>{} : std::unexpected(record.error()), "audit.json",
               "an audit of the cut", "audit.leakage");
  if (!record) return checks.block_rest("audit.record");
  // 2. It is of this model.
  checks.judge("audit.model", record->model.sha256 == manifest.model_sha256,
               printable(record->model.sha256, 64), manifest.model_sha256, "audit.leakage");
  // 3. Under the policy, the cut resisted.
  const auto verdict = verdict_of(*record, *policy.leakage, manifest);
  const bool resisted = verdict && verdict->outcome == audit::Outcome::kResisted;
  checks.judge("audit.verdict", resisted,
               printable(verdict ? verdict->sentence : verdict.error().message, kShownText),
               wanted(*policy.leakage), "audit.leakage");
}

}  // namespace cloister::attest
