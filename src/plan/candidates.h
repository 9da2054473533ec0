// Every plan that could be made of a profile, with what it costs and why it may not be served.
#pragma once

#include "plan/leakage.h"

namespace cloister::plan {

// What candidates are made from. The policy has its leakage filled in.
struct Situation {
  const profile::ProfileRecord& profile;
  const PlanPolicy& policy;
  std::vector<CutLeakage> leakage;  // of the profile's cuts
};

// All trusted; all untrusted on each device; then by cut, shallowest first, two segments on each
// device and three on each device. Of plans of three segments only the best end of the body stands
// for each beginning and device. Thread-safe.
std::vector<Candidate> list_candidates(const Situation& situation);

// What the objective makes small.
double cost(Objective objective, const Candidate& candidate);

// The order of preference of two positions in `candidates`, admissible or not: by the objective,
// then the other costs, then leakage; strict and total. It does not depend on the order of devices.
bool better(Objective objective, const std::vector<Candidate>& candidates, size_t a, size_t b);

// Sets Candidate::pareto.
void mark_pareto(std::vector<Candidate>& candidates);

}  // namespace cloister::plan
