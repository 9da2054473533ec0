// What a client, or the owner of a key, accepts of a server: trust-policy.json
// (docs/formats/trust-policy.md). Plain data. No field switches a check off: fields say what is
// acceptable, and what is not given accepts nothing.
#pragma once

#include "attest/policy.h"
#include "audit/verdict.h"
#include "base/file.h"
#include "bundle/minisign.h"

namespace cloister::attest {

struct BundlePolicy {
  // One of them. None, and no manifests either, accepts nothing.
  std::vector<minisign::PublicKey> signers;
  bool accept_any_signer = false;  // whose bundle it is does not matter
  uint64_t min_version = 0;
  std::vector<Fixed<32>> manifests;  // SHA-256; where given, one of them
};

struct AuditPolicy {
  // Under which the served cut must have resisted; nothing accepts nothing.
  std::optional<audit::Policy> leakage;
  bool accept_unaudited = false;  // what crosses the cut does not matter
};

struct TrustPolicy {
  Policy tee;
  BundlePolicy bundle;
  AuditPolicy audit;
  std::vector<Fixed<32>> configs;  // SHA-256 of configurations; where given, one of them
  // What it was read from, for the lines of its fields; may be empty.
  std::string text;
};

inline constexpr uint64_t kMaxTrustPolicyBytes = 2 << 20;

// Whether it accepts anything, and every value that must be given is: kInvalid naming the field.
Result<> check_policy(const TrustPolicy& policy);

// Every field, defaults filled in; and back, strict but for keys left out. kInvalid naming the key;
// kUnsupported for another schema version. Thread-safe.
std::string policy_json(const TrustPolicy& policy);
Result<TrustPolicy> parse_trust_policy(std::string_view json);
Result<TrustPolicy> read_trust_policy(const fs::path& path);

}  // namespace cloister::attest
