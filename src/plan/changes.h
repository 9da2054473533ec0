// What would change the choice.
#pragma once

#include "plan/candidates.h"

namespace cloister::plan {

// Changes of one limit of the policy at a time, and audits, that would admit something better by
// the objective than the choice, or anything at all where no cut is admissible. What is said of
// leakage was judged again, not estimated; that costs a few runs of judge(), whose errors it has.
// Best first. Thread-safe.
Result<std::vector<Change>> list_changes(const Situation& situation, const AuditEvidence& audit,
                                         const std::vector<Candidate>& candidates, size_t chosen,
                                         bool safe_cut);

}  // namespace cloister::plan
