// Which cut to serve, and why: a pure function of what cuts cost (profile), what they leak (audit)
// and what the owner accepts (policy). plan.json is docs/formats/plan.md.
#pragma once

#include "audit/record.h"
#include "bundle/segments.h"
#include "plan/policy.h"
#include "profile/record.h"

namespace cloister::plan {

// Why a candidate may not be served.
enum class Refusal {
  kInputSeen,   // the accelerator gets the input: all untrusted, or exposed by construction
  kNotAudited,  // no audit, one of another model, or a cut that it leaves out
  kExposed,     // the audit rebuilt inputs
  kUndecided,   // the audit's verdict is inconclusive under this policy
  kResultSeen,  // the accelerator computes the result
  kDevice,      // not one that the policy allows
  kMemory,      // too much trusted memory
  kLatency,     // too slow
  kThroughput,  // too few items a second
};

std::string_view to_string(Refusal refusal);  // "input_seen", "not_audited", ...
Result<> from_string(std::string_view text, Refusal& out);

struct Reason {
  Refusal refusal = Refusal::kNotAudited;
  std::string why;  // a sentence with what was found and what is wanted
};

// What a cut leaks under the plan's policy; the statistic and its upper bound are of the policy's
// metric.
struct LeakageOfCut {
  std::string outcome;  // "exposed", "resisted", "inconclusive", "not audited"
  std::optional<double> value;
  std::optional<double> upper;
};

struct Candidate {
  std::vector<PlannedSegment> segments;
  std::string device;     // of the untrusted segments; empty: none
  bool modelled = false;  // some number is of a described device, not of a measured one
  bool measured = false;  // its cut was measured whole; otherwise interpolated
  // One run of the batch, one after the other: trusted + untrusted + link.
  double latency_ms = 0;
  double trusted_ms = 0;
  double untrusted_ms = 0;
  double link_ms = 0;
  // Items a second; where the device overlaps, head and body of different requests run at once.
  double throughput = 0;
  uint64_t trusted_bytes = 0;  // peak
  uint64_t bytes_across = 0;   // there and back, for the batch
  LeakageOfCut leakage;
  std::vector<Reason> refused;  // empty: admissible
  // Of the candidates, admissible or not, none leaks less and is better in every cost.
  bool pareto = false;

  bool admissible() const { return refused.empty(); }
};

// One trusted segment: the reference that gives nothing away.
bool is_all_trusted(const Candidate& candidate);
// One untrusted segment: the reference that gives everything away.
bool is_all_untrusted(const Candidate& candidate);
// Whether some part of it runs untrusted, and what enters there is a feature map.
bool has_cut(const Candidate& candidate);
// Whether the accelerator computes the result.
bool shows_result(const Candidate& candidate);
// Where it is cut first; empty: nowhere. Lives as long as the candidate.
const std::string& first_cut(const Candidate& candidate);
// "c7", "c7 and c9"; empty without a cut. Safe to print.
std::string cuts_text(const Candidate& candidate);

// What would change the choice.
struct Change {
  Refusal what = Refusal::kExposed;  // which of the policy's limits, or the audit
  std::string sentence;  // "raising the limit from 0.30 to 0.34 would allow cut c7, 1.8x faster"
  size_t candidate = 0;  // position in Plan::candidates
};

struct Plan {
  std::string tool;
  std::string machine;  // of the profile
  std::string model_file;
  std::string model_sha256;
  std::string profile_sha256;  // of the records that the plan was made from; audit: empty if none
  std::string audit_sha256;
  std::vector<std::string> public_inputs;  // that the owner calls no secret
  PlanPolicy policy;                       // with its leakage policy filled in
  int64_t batch = 1;
  std::vector<Candidate> candidates;  // references, then by cut, shallowest first
  size_t chosen = 0;                  // position in candidates
  bool safe_cut = false;              // false: the all-trusted plan, since no cut is admissible
  std::string why;                    // a sentence or two
  std::vector<Change> changes;        // best first
  std::vector<std::string> notes;

  const Candidate& choice() const { return candidates[chosen]; }
};

// What the planner is given. The audit may be missing or of another model: its cuts then count as
// not audited. Digests are those of the records' files, hexadecimal.
struct PlanInputs {
  const profile::ProfileRecord* profile = nullptr;  // never null
  const audit::AuditRecord* audit = nullptr;
  std::string profile_sha256;
  std::string audit_sha256;
};

// Deterministic. Errors: kInvalid where profile and policy don't fit together (no device of a name
// that the policy asks for, an audit that can't be judged by its metric). Thread-safe.
Result<Plan> make_plan(const PlanInputs& evidence, const PlanPolicy& policy, std::string tool);

// Strict both ways, as records are (record/reader.h). Version 1, which had a kind and two cuts in
// place of segments, is still read. Thread-safe.
std::string plan_json(const Plan& plan);
Result<Plan> parse_plan(std::string_view json);
Result<Plan> read_plan(const fs::path& path);

}  // namespace cloister::plan
