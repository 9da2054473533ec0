// Why a plan was chosen, in words.
#pragma once

#include "plan/candidates.h"

namespace cloister::plan {

// A sentence or two for somebody who has read nothing else.
std::string why_chosen(const Situation& situation, const std::vector<Candidate>& candidates,
                       size_t chosen, bool safe_cut);

// What a reader of the numbers must know.
std::vector<std::string> notes_on(const Situation& situation, const AuditEvidence& audit,
                                  const std::vector<Candidate>& candidates, size_t chosen);

}  // namespace cloister::plan
