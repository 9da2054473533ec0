#include "keyserver/key_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/descriptor.h"
#include "base/durable.h"
#include "bundle/manifest.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::serving {
namespace {

constexpr std::string_view kSchema = "cloister/key/1";
constexpr std::string_view kSuffix = ".json";
constexpr uint64_t kMaxRecordBytes = attest::kMaxTrustPolicyBytes + (64 << 10);
constexpr size_t kMaxKeys = 10'000;

// As it stands in JSON.
struct Record {
  std::string name;
  std::string recipient;
  std::string identity;
  std::string policy;  // JSON
  std::optional<Revocation> revoked;
};

template <typename Io>
void fields(Io& io, Of<Io, Record> r) {
  io.schema("schema", kSchema);
  io.text("name", r.name, kShort);
  io.text("recipient", r.recipient, kShort);
  io.text("identity", r.identity, kShort);
  io.any("policy", r.policy, attest::kMaxTrustPolicyBytes);
  io.optional("revoked", r.revoked);
}

fs::path record_path(const fs::path& folder, const std::string& name) {
  return folder / (name + std::string(kSuffix));
}

Result<> check_owner_only(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(Kind::kNotFound, "no file '{}'", printable(path.string(), 400));
  }
  if ((status.st_mode & 0077) == 0) return {};
  return fail(Kind::kRefused,
              "'{}' is accessible to users other than its owner (mode {:o}, want 600)",
              printable(path.string(), 400), status.st_mode & 0777);
}

// A folder whose records nobody else changes, for as long as this lives.
class HeldFolder {
 public:
  static Result<HeldFolder> hold(const fs::path& folder) {
    Descriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (held.get() < 0 || ::flock(held.get(), LOCK_EX) != 0) {
      return fail(errno == ENOENT ? Kind::kNotFound : Kind::kIo, "can't use folder '{}': {}",
                  printable(folder.string(), 400), std::strerror(errno));
    }
    return HeldFolder(std::move(held));
  }

 private:
  explicit HeldFolder(Descriptor held) : held_(std::move(held)) {}
  Descriptor held_;  // with a lock, which goes with it
};

Result<> check_is_new(const fs::path& folder, const std::string& name,
                      const std::string& recipient) {
  for (const fs::path& path : {record_path(folder, name), folder / (name + ".key")}) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(path, ignored))) {
      return fail(Kind::kUsage, "'{}' already exists and will not be overwritten",
                  printable(path.string(), 400));
    }
  }
  // Under two names, revoking one would leave the other.
  TRY(keys, list_keys(folder));
  for (const StoredKey& key : keys) {
    if (!key.record || key.record->recipient != recipient) continue;
    return fail(Kind::kUsage, "{} is already key '{}'", recipient, key.name);
  }
  return {};
}

Result<> write_key(const fs::path& folder, const KeyRecord& record) {
  return write_durably(record_path(folder, record.name), key_record_json(record));
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Revocation> r) {
  io.text("when", r.when, kShort);
  io.text("why", r.why, kName);
}

std::string key_record_json(const KeyRecord& record) {
  return write_json_record(Record{record.name, record.recipient, record.identity,
                                  attest::policy_json(record.policy), record.revoked});
}

Result<KeyRecord> parse_key_record(std::string_view json) {
  TRY(record, read_json_record<Record>(json, kSchema, kMaxRecordBytes));
  TRY_OK(bundle::check_model_name(record.name));
  TRY(recipient, age::Recipient::parse(record.recipient));
  auto policy = attest::parse_trust_policy(record.policy);
  if (!policy) return with_context(policy.error(), "policy");
  policy->text.clear();  // who asks for a key has not got the file that it is a part of
  return KeyRecord{std::move(record.name), std::move(record.recipient), std::move(record.identity),
                   std::move(*policy), std::move(record.revoked)};
}

Result<std::vector<StoredKey>> list_keys(const fs::path& folder) {
  std::error_code code;
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) {
    if (at->path().extension() == kSuffix) names.push_back(at->path().stem().string());
    if (names.size() > kMaxKeys) return invalid("more than {} keys", kMaxKeys);
  }
  if (code) {
    return fail(Kind::kIo, "can't list '{}': {}", printable(folder.string(), 400), code.message());
  }
  std::ranges::sort(names);
  std::vector<StoredKey> keys;
  for (const std::string& name : names) keys.push_back({name, read_key(folder, name)});
  return keys;
}

Result<KeyRecord> read_key(const fs::path& folder, const std::string& name) {
  auto record = [&]() -> Result<KeyRecord> {
    TRY_OK(bundle::check_model_name(name));
    TRY(json, read_file(record_path(folder, name), kMaxRecordBytes));
    TRY(parsed, parse_key_record(json));
    if (parsed.name != name) return invalid("name: '{}' differs from the file's name", parsed.name);
    return parsed;
  }();
  if (!record) return with_context(record.error(), fmt::format("key '{}'", printable(name)));
  return record;
}

Result<std::vector<age::Identity>> read_key_identity(const fs::path& folder,
                                                     const KeyRecord& record) {
  auto identities = [&]() -> Result<std::vector<age::Identity>> {
    TRY(path, resolve_inside(folder, record.identity));
    TRY_OK(check_owner_only(path));
    TRY(text, read_file(path, 64 << 10));
    auto parsed = age::parse_identities(text);
    cleanse({reinterpret_cast<std::byte*>(text.data()), text.size()});
    if (!parsed) return parsed;
    std::erase_if(*parsed, [&](const age::Identity& identity) {
      return identity.recipient().text() != record.recipient;
    });
    if (parsed->empty())
      return invalid("'{}' is not the identity of {}", record.identity, record.recipient);
    return parsed;
  }();
  if (!identities) {
    return with_context(identities.error(), fmt::format("key '{}'", record.name));
  }
  return identities;
}

Result<> add_key(const fs::path& folder, const std::string& name, const age::Identity& identity,
                 const attest::TrustPolicy& policy) {
  TRY_OK(bundle::check_model_name(name));
  TRY_OK(attest::check_policy(policy));
  TRY(held, HeldFolder::hold(folder));
  const std::string recipient = identity.recipient().text();
  TRY_OK(check_is_new(folder, name, recipient));
  const std::string file = name + ".key";
  const SecretBytes text = identity.text();
  SecretBytes line(text.text().size() + 1);
  *std::ranges::copy(text.bytes(), line.bytes().begin()).out = std::byte{'\n'};
  TRY_OK(write_durably(folder / file, line.text()));
  return write_key(folder, {name, recipient, file, policy, std::nullopt});
}

Result<> change_key(const fs::path& folder, const std::string& name,
                    const std::function<Result<>(KeyRecord&)>& edit) {
  TRY(held, HeldFolder::hold(folder));
  TRY(key, read_key(folder, name));
  TRY_OK(edit(key));
  return write_key(folder, key);
}

}  // namespace cloister::serving
