// What a model's owner accepts: plan-policy.json (docs/formats/plan-policy.md).
#pragma once

#include "audit/verdict.h"
#include "base/file.h"

namespace cloister::plan {

enum class Objective { kLatency, kThroughput, kTrustedMemory };

// "latency", "throughput", "trusted_memory"
std::string_view to_string(Objective objective);
Result<> from_string(std::string_view text, Objective& out);  // kUsage, listing the words

// Plain data; what a file leaves out keeps these values.
struct PlanPolicy {
  // What a cut may leak. Nothing: the default for the metric that the audit was judged by.
  std::optional<audit::Policy> leakage;
  Objective objective = Objective::kLatency;  // what the best of the admissible plans is best in
  std::optional<double> max_latency_ms;       // for one run of the batch
  std::optional<double> min_throughput;       // items a second
  std::optional<uint64_t> max_trusted_bytes;  // peak memory of the trusted process
  // Whether the accelerator may compute, and so see, the model's result. If not, plans have a
  // trusted tail.
  bool result_may_be_seen = true;
  std::vector<std::string> devices;  // on which bodies may run, by name; empty: on any
};

inline constexpr uint64_t kMaxPolicyBytes = 1 << 20;

// Whether its numbers make sense: kInvalid naming the key. Thread-safe.
Result<> check_policy(const PlanPolicy& policy);

// Every field, with the default leakage policy for `metric` filled in where there is none.
std::string policy_json(const PlanPolicy& policy, audit::Metric metric = audit::Metric::kSsim);

// Strict but for keys left out. A `leakage` begins with the defaults for its metric. kInvalid
// naming the key; kUnsupported for another schema version. Thread-safe.
Result<PlanPolicy> parse_policy(std::string_view json);
Result<PlanPolicy> read_policy(const fs::path& path);

}  // namespace cloister::plan
