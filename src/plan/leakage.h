// What is known of each cut's leakage under a policy.
#pragma once

#include <limits>

#include "plan/plan.h"

namespace cloister::plan {

inline constexpr std::string_view kNotAudited = "not audited";  // LeakageOfCut::outcome

// One a cut of the profile, in its order.
struct CutLeakage {
  LeakageOfCut leakage;
  std::optional<Reason> refused;             // nothing: it resisted
  std::optional<audit::CutVerdict> verdict;  // as the audit has it under the policy
  // Where the body gets an input, or what it can be had from: one that begins here and ends at this
  // position or before does not, and is then refused for this instead.
  uint64_t exposed_to = std::numeric_limits<uint64_t>::max();
  std::optional<Reason> refused_unexposed;
  bool hopeless = false;  // no further audit can admit it: it carries the input, or a deeper cut
                          // was found exposed
};

// The scores of an audit of the model; nothing where there is none, and why not.
struct AuditEvidence {
  std::optional<audit::AuditScores> scores;
  std::string missing;  // "there is no audit"
  Shape input_shape;    // of what was attacked, batch 1
};

// kInvalid where the audit can't be judged by the policy's metric.
Result<AuditEvidence> audit_evidence(const PlanInputs& evidence, const audit::Policy& policy);

// Whatever the audit leaves out counts as not audited, also behind a cut that resisted. Errors of
// judge(). Thread-safe.
Result<std::vector<CutLeakage>> leakage_of_cuts(const profile::ProfileRecord& profile,
                                                const AuditEvidence& audit,
                                                const audit::Policy& policy);

}  // namespace cloister::plan
