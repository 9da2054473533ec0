#include "report/records.h"

#include <algorithm>

namespace cloister::report {
namespace {

struct Source {
  std::string_view record;
  const std::string& file;
  const std::string& sha256;
};

Result<> check_model(const Source& a, const Source& b) {
  if (a.sha256 == b.sha256) return {};
  return invalid("the {} is of model '{}' (SHA-256 {}), the {} of '{}' ({})", a.record,
                 printable(a.file), printable(a.sha256), b.record, printable(b.file),
                 printable(b.sha256));
}

// Positions inside of the plan, and its cut among the profile's.
Result<> check_plan(const plan::Plan& plan, const profile::ProfileRecord* profile) {
  const size_t n = plan.candidates.size();
  if (plan.chosen >= n) return invalid("plan: candidate {} is chosen, of {}", plan.chosen, n);
  for (const plan::Change& change : plan.changes) {
    if (change.candidate >= n) {
      return invalid("plan: a change is of candidate {}, of {}", change.candidate, n);
    }
  }
  for (const std::string& cut : cuts_between(plan.choice().segments)) {
    if (profile == nullptr) continue;
    const auto found = std::ranges::find(profile->cuts, cut, &profile::CutCost::id);
    if (found == profile->cuts.end()) {
      return invalid("the plan chose cut '{}', which the profile has not", printable(cut));
    }
  }
  return {};
}

}  // namespace

Result<> check_records(const Records& records) {
  std::vector<Source> sources;
  if (const auto* r = records.audit) sources.push_back({"audit", r->model.file, r->model.sha256});
  if (const auto* r = records.plan) sources.push_back({"plan", r->model_file, r->model_sha256});
  if (sources.empty()) return invalid("a report needs an audit or a plan");
  if (const auto* r = records.profile) {
    sources.push_back({"profile", r->model_file, r->model_sha256});
    for (const profile::CutCost& cut : r->cuts) {
      if (cut.bodies.size() == r->devices.size()) continue;
      return invalid("profile: cut '{}' has {} bodies, want one for each of {} devices",
                     printable(cut.id), cut.bodies.size(), r->devices.size());
    }
  }
  for (const Source& source : sources) TRY_OK(check_model(sources[0], source));
  return records.plan == nullptr ? Result<>() : check_plan(*records.plan, records.profile);
}

}  // namespace cloister::report
