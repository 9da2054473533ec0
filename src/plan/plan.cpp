#include "plan/plan.h"

#include <algorithm>

#include "plan/candidates.h"
#include "plan/changes.h"
#include "plan/explain.h"
#include "plan/leakage.h"

namespace cloister::plan {
namespace {

// What the planner counts on; records that were read have been checked for it.
Result<> check_profile(const profile::ProfileRecord& profile, const PlanPolicy& policy) {
  for (const profile::CutCost& cut : profile.cuts) {
    if (cut.bodies.size() != profile.devices.size()) {
      return invalid("profile: cut '{}' has {} bodies, want one for each of {} devices",
                     printable(cut.id), cut.bodies.size(), profile.devices.size());
    }
  }
  for (const std::string& name : policy.devices) {
    if (std::ranges::find(profile.devices, name, &profile::Device::name) == profile.devices.end()) {
      std::string known;
      for (const profile::Device& device : profile.devices) {
        known += (known.empty() ? "" : ", ") + printable(device.name, 40);
      }
      return invalid("the policy's device '{}' is not in the profile, which has {}",
                     printable(name), known.empty() ? "none" : known);
    }
  }
  return {};
}

// The best of those that may be served; all trusted where there is none.
size_t choose(Objective objective, const std::vector<Candidate>& candidates) {
  std::optional<size_t> best;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].admissible()) continue;
    if (!best || better(objective, candidates, i, *best)) best = i;
  }
  return best.value_or(0);
}

}  // namespace

Result<Plan> make_plan(const PlanInputs& evidence, const PlanPolicy& policy, std::string tool) {
  const profile::ProfileRecord& profile = *evidence.profile;
  TRY_OK(check_policy(policy));
  TRY_OK(check_profile(profile, policy));
  Plan plan;
  plan.tool = std::move(tool);
  plan.machine = profile.machine;
  plan.model_file = profile.model_file;
  plan.model_sha256 = profile.model_sha256;
  plan.profile_sha256 = evidence.profile_sha256;
  if (evidence.audit != nullptr) plan.audit_sha256 = evidence.audit_sha256;
  plan.public_inputs = profile.public_inputs;
  plan.batch = profile.settings.batch;
  plan.policy = policy;
  if (!plan.policy.leakage) {
    plan.policy.leakage = audit::default_policy(
        evidence.audit == nullptr ? audit::Metric::kSsim : evidence.audit->policy.metric);
  }
  TRY(audit, audit_evidence(evidence, *plan.policy.leakage));
  TRY(leakage, leakage_of_cuts(profile, audit, *plan.policy.leakage));
  const Situation situation{profile, plan.policy, std::move(leakage)};
  plan.candidates = list_candidates(situation);
  mark_pareto(plan.candidates);
  plan.chosen = choose(plan.policy.objective, plan.candidates);
  plan.safe_cut = std::ranges::any_of(
      plan.candidates, [](const Candidate& c) { return has_cut(c) && c.admissible(); });
  plan.why = why_chosen(situation, plan.candidates, plan.chosen, plan.safe_cut);
  TRY(changes, list_changes(situation, audit, plan.candidates, plan.chosen, plan.safe_cut));
  plan.changes = std::move(changes);
  plan.notes = notes_on(situation, audit, plan.candidates, plan.chosen);
  return plan;
}

}  // namespace cloister::plan
