#include "plan/policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "audit/policy_json.h"
#include "base/parse_file.h"
#include "base/words.h"
#include "plan/policy_fields.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::plan {
namespace {

constexpr std::string_view kPolicySchema = "cloister/plan-policy/1";

constexpr Word<Objective> kObjectives[] = {{Objective::kLatency, "latency"},
                                           {Objective::kThroughput, "throughput"},
                                           {Objective::kTrustedMemory, "trusted_memory"}};

// The file: a policy with its schema.
struct PolicyFile {
  PlanPolicy policy;
};

template <typename Io>
void fields(Io& io, Of<Io, PolicyFile> r) {
  io.schema("schema", kPolicySchema);
  fields(io, r.policy);
}

Result<> check_range(std::string_view key, const std::optional<double>& value, double most) {
  if (!value || (*value >= 0 && *value <= most)) return {};
  return invalid("{}: {}, want 0 to {:g}", key, *value, most);
}

Result<PlanPolicy> parse_policy_json(std::string_view json) {
  TRY(root, parse_strict_json(json, kMaxPolicyBytes));
  TRY_OK(check_schema(root, kPolicySchema));
  audit::fill_in_policy(root, "leakage");
  PolicyFile file;
  RecordReader reader(RecordReader::Missing::kDefaults);
  reader.read(root, file);
  if (reader.error()) return std::unexpected(*reader.error());
  TRY_OK(check_policy(file.policy));
  return file.policy;
}

}  // namespace

std::string_view to_string(Objective objective) {
  return word_of(kObjectives, objective);
}

Result<> from_string(std::string_view text, Objective& out) {
  return value_of_word(kObjectives, text, out, cloister::Kind::kUsage, "objective");
}

Result<> check_policy(const PlanPolicy& policy) {
  if (policy.leakage) {
    // Of no cuts nothing is judged but the policy itself.
    if (const auto judged = audit::judge(*policy.leakage, {}); !judged) {
      return invalid("leakage: {}", judged.error().message);
    }
  }
  TRY_OK(check_range("max_latency_ms", policy.max_latency_ms, kMostMs));
  TRY_OK(check_range("min_throughput", policy.min_throughput, kMostItems));
  std::set<std::string_view> names;
  for (const std::string& device : policy.devices) {
    if (!names.insert(device).second) {
      return invalid("devices: '{}' occurs twice", printable(device));
    }
  }
  return {};
}

std::string policy_json(const PlanPolicy& policy, audit::Metric metric) {
  PolicyFile file{policy};
  if (!file.policy.leakage) file.policy.leakage = audit::default_policy(metric);
  return write_json_record(file);
}

Result<PlanPolicy> parse_policy(std::string_view json) {
  auto parsed = parse_policy_json(json);
  if (!parsed) return with_context(parsed.error(), "plan policy");
  return parsed;
}

Result<PlanPolicy> read_policy(const fs::path& path) {
  return parse_file(path, kMaxPolicyBytes, parse_policy);
}

}  // namespace cloister::plan
