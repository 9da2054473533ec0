// What is behind the classes of <cloister/client.h>.
#pragma once

#include <cloister/client.h>

#include <optional>

#include "client/verified_pool.h"

namespace cloister::client {
inline namespace v1 {

// As the caller gave it; read_policy() checks it.
struct PolicyData {
  std::optional<std::string> whole;  // trust-policy.json; then nothing else is given
  std::optional<std::string> environments;
  std::vector<std::string> signers;
  std::optional<std::string> manifest_sha256;
  uint64_t min_version = 0;
  bool allow_any_bundle = false;
  bool allow_simulated = false;
};

// As the caller gave it; read_options() checks it.
struct OptionsData {
  std::optional<std::string> ca_pem;
  std::optional<net::TlsIdentity> identity;
  std::optional<std::string> token;
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds infer_timeout = std::chrono::seconds(60);
  int max_connections = 8;
  std::chrono::seconds verify_every = std::chrono::minutes(15);
  uint64_t max_answer_bytes = 256 << 20;
};

struct FactsData {
  std::string evidence_kind;
  std::string mode;
  std::string manifest_sha256;
  bool signature_checked = false;
  bool audit_checked = false;
  std::string model_name;
  uint64_t model_version = 0;
  int64_t max_batch = 1;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::vector<std::string> labels;
  std::string preprocess_json;
};

struct TrustPolicy::Impl : PolicyData {};
struct Options::Impl : OptionsData {};
struct ServerFacts::Impl : FactsData {};

// kInvalid, naming what is malformed.
cloister::Result<attest::TrustPolicy> read_policy(const PolicyData& policy);
cloister::Result<serving::PoolOptions> read_options(std::string_view url, const PolicyData& policy,
                                                    const OptionsData& options);
// Longer waits than anybody means are cut, since adding them to the time of day would overflow.
cloister::Result<net::Seconds> read_limit(std::string_view name, std::chrono::milliseconds limit);
cloister::Result<FactsData> facts_of(const serving::ServerFacts& facts);

}  // namespace v1
}  // namespace cloister::client
