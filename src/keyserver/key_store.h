// The keys that a key server has: in a folder, NAME.json a key (cloister/key/1), and beside it the
// age identity itself. docs/formats/key-release.md.
#pragma once

#include <functional>

#include "bundle/age.h"
#include "trust/trust_policy.h"

namespace cloister::serving {

struct Revocation {
  std::string when;  // UTC, "2025-01-31T12:00:00Z"
  std::string why;
};

struct KeyRecord {
  std::string name;       // as that of a model: also the file's
  std::string recipient;  // age1...: what bundles are encrypted to
  std::string identity;   // file with the secret, in the same folder, for its owner's eyes only
  attest::TrustPolicy policy;  // what it is released under
  std::optional<Revocation> revoked;
};

// Strict but for keys left out of the policy; kInvalid.
std::string key_record_json(const KeyRecord& record);
Result<KeyRecord> parse_key_record(std::string_view json);

// A record that can't be read does not keep others from being used.
struct StoredKey {
  std::string name;
  Result<KeyRecord> record;
};

// By name. The folder is read anew at each call, so that what people change in it counts at once.
Result<std::vector<StoredKey>> list_keys(const fs::path& folder);
// kNotFound.
Result<KeyRecord> read_key(const fs::path& folder, const std::string& name);
// The secret: kRefused when others than its owner may read the file, kInvalid when it is not the
// record's recipient's.
Result<std::vector<age::Identity>> read_key_identity(const fs::path& folder,
                                                     const KeyRecord& record);

// Changes to a folder come one after the other, from whichever process, and each as a whole: a
// reader sees the old record or the new one.

// Writes the secret and the record; kUsage when there is one of that name or with that identity.
Result<> add_key(const fs::path& folder, const std::string& name, const age::Identity& identity,
                 const attest::TrustPolicy& policy);
// Replaces the record by what `edit` makes of it, unless that fails. kNotFound.
Result<> change_key(const fs::path& folder, const std::string& name,
                    const std::function<Result<>(KeyRecord&)>& edit);

}  // namespace cloister::serving
