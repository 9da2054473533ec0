#include "keyserver/key_release.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "trust/claims_text.h"

namespace cloister::serving {
namespace {

constexpr size_t kMaxWhy = 600;

// Those that are the same identity are revoked together, under whatever names somebody put them.
bool is_revoked(const std::vector<StoredKey>& keys, const KeyRecord& record) {
  return std::ranges::any_of(keys, [&](const StoredKey& key) {
    return key.record && key.record->revoked && key.record->recipient == record.recipient;
  });
}

// The first that can be used, by name; one that was revoked only where there is no other.
const KeyRecord* first_of(const std::vector<StoredKey>& keys,
                          const std::vector<std::string>& recipients) {
  const KeyRecord* revoked = nullptr;
  for (const StoredKey& key : keys) {
    if (!key.record || std::ranges::find(recipients, key.record->recipient) == recipients.end()) {
      continue;
    }
    if (!is_revoked(keys, *key.record)) return &*key.record;
    if (key.record->revoked && revoked == nullptr) revoked = &*key.record;
  }
  return revoked;
}

// The key of a bundle with these recipients.
Result<KeyRecord> find_key(const std::vector<StoredKey>& keys,
                           const std::vector<std::string>& recipients) {
  if (const KeyRecord* const found = first_of(keys, recipients)) return *found;
  for (const StoredKey& key : keys) {
    // It may be the one, in the middle of being edited.
    if (!key.record) return fail(Kind::kIo, "{}", key.record.error().message);
  }
  return fail(Kind::kRefused, "this server has no key for any of the bundle's {} recipients",
              recipients.size());
}

// To whichever of its keys: one that was revoked since has shown the version all the same.
uint64_t latest_released(const ReleaseState& past, const bundle::Manifest& manifest) {
  uint64_t latest = 0;
  for (const std::string& recipient : manifest.recipients) {
    latest = std::max(latest, past.latest(recipient, manifest.model_name));
  }
  return latest;
}

Result<> check_headers(const bundle::WrappedKeys& headers, const bundle::Manifest& manifest) {
  if (headers.empty()) return invalid("no headers");
  for (const auto& [name, header] : headers) {
    const bundle::Entry* const entry = manifest.entry(name);
    if (entry == nullptr || !entry->plain_bytes) {
      return fail(Kind::kRefused, "the manifest lists no encrypted entry '{}'",
                  printable(name, 60));
    }
  }
  return {};
}

// Otherwise something is wrong here, not with who asks.
bool is_decision(Kind kind) {
  return kind == Kind::kRefused || kind == Kind::kInvalid || kind == Kind::kUnsupported;
}

// Clients must not learn the reason.
std::unexpected<Error> not_now(const Error& error, const ReleaseEvent& event, KeyMetrics& metrics) {
  metrics.request(event.key, "unavailable");
  log(LogLevel::kWarn, "could not decide",
      {{"key", event.key}, {"peer", event.peer}, {"why", error.message}});
  return fail(Kind::kUnavailable,
              "the key server can't decide at the moment; its own log says why");
}

}  // namespace

std::vector<std::string> identity_of(const attest::Claims& claims) {
  std::vector<std::string> out;
  for (const attest::ClaimLine& line : attest::identity_lines(claims)) {
    out.push_back(fmt::format("{}={}", line.name, line.value));
  }
  return out;
}

Result<KeyRelease::Keys> KeyRelease::look() const {
  TRY(keys, list_keys(keys_));
  metrics_.keys(keys);
  return std::move(keys);
}

Result<attest::ExchangeRequest> KeyRelease::challenge(const attest::Nonce& nonce) const {
  // Which key it is about is known only later.
  std::set<std::string> files;
  TRY(keys, look());
  for (const StoredKey& key : keys) {
    if (!key.record) continue;
    for (std::string& file : attest::files_to_judge(key.record->policy)) files.insert(file);
  }
  return attest::ExchangeRequest{.nonce = nonce, .files = {files.begin(), files.end()}};
}

// Whether the policy of the key accepts who asks. Fills in what was found out, and is true.
Result<> KeyRelease::judge(const KeyRecord& key, const attest::ExchangeReply& reply,
                           const KeyConnection& connection, ReleaseEvent& event,
                           bundle::Manifest& manifest) const {
  if (reply.evidence.kind == attest::EvidenceKind::kSimulated && !key.policy.tee.accept_simulated) {
    return fail(Kind::kRefused,
                "simulated evidence proves nothing, and the key's policy does not accept it "
                "(tee.accept_simulated)");
  }
  TRY(expected, attest::report_data(attest::Role::kClient, connection.server_key, connection.nonce,
                                    connection.exported, reply.statement_json));
  attest::AppraisalResult judgement = attest::appraise(
      reply, key.policy, {.role = attest::Role::kClient, .expected = expected, .now = clock_()},
      roots_);
  TRY_OK(attest::refusal(judgement));
  manifest = std::move(*judgement.manifest);
  event.environment = identity_of(judgement.tee.claims);
  event.model = manifest.model_name;
  event.version = manifest.version;
  event.manifest_sha256 = judgement.statement->manifest_sha256;
  event.config_sha256 = judgement.statement->config_sha256;
  event.recipient = judgement.statement->recipient;
  return {};
}

Result<KeyReply> KeyRelease::decide(std::string_view json, const KeyConnection& connection,
                                    const Keys& keys, ReleaseEvent& event) {
  // 1. What is asked for, and which key that takes.
  TRY(request, parse_key_request(json));
  TRY(reply, attest::parse_reply(request.reply_json));
  event.kind = to_string(reply.evidence.kind);
  TRY(key, find_key(keys, request.recipients));
  event.key = key.name;
  event.key_recipient = key.recipient;
  event.policy_sha256 = to_hex(sha256(as_bytes(attest::policy_json(key.policy))));
  if (key.revoked)
    return fail(Kind::kRefused, "key '{}' is revoked: {}", key.name,
                printable(key.revoked->why, kMaxWhy));
  // 2. The client's evidence, and its bundle.
  bundle::Manifest manifest;
  TRY_OK(judge(key, reply, connection, event, manifest));
  if (std::ranges::find(manifest.recipients, key.recipient) == manifest.recipients.end()) {
    return fail(Kind::kRefused, "the bundle is not encrypted to key '{}'", key.name);
  }
  // 3. No bundle older than one that has had the key.
  const uint64_t latest = latest_released(log_.state(), manifest);
  if (manifest.version < latest) {
    return fail(Kind::kRefused,
                "model '{}' is already at version {}, but this bundle has version {}",
                manifest.model_name, latest, manifest.version);
  }
  // 4. The file keys, for the recipient that the evidence vouches for.
  TRY_OK(check_headers(request.headers, manifest));
  auto recipient = age::Recipient::parse(event.recipient);
  if (!recipient) return with_context(recipient.error(), "statement");
  const auto identities = read_key_identity(keys_, key);
  if (!identities) return fail(Kind::kIo, "{}", identities.error().message);
  KeyReply out{.key = key.name, .headers = {}};
  for (const auto& [entry, header] : request.headers) {
    auto wrapped = age::rewrap(header, *identities, *recipient);
    if (!wrapped) return with_context(wrapped.error(), fmt::format("entry '{}'", entry));
    out.headers[entry] = std::move(*wrapped);
  }
  return out;
}

Result<KeyReply> KeyRelease::release(std::string_view request, const KeyConnection& connection) {
  ReleaseEvent event{.event = "refused", .peer = printable(connection.peer, 100)};
  // What is noted and what is decided by is one look at the keys.
  const auto decision = [&]() -> Result<KeyReply> {
    TRY(keys, look());
    TRY_OK(note_revocations(keys));
    return decide(request, connection, keys, event);
  };
  auto reply = decision();
  if (reply) {
    event.event = "released";
  } else if (is_decision(reply.error().kind)) {
    event.why = printable(reply.error().message, kMaxWhy);
  } else {
    return not_now(reply.error(), event, metrics_);
  }
  // 5. In the log first: what was not logged was not released.
  const auto head = log_.add(event);
  if (!head) return not_now(head.error(), event, metrics_);
  metrics_.request(event.key, event.event);
  log(reply ? LogLevel::kInfo : LogLevel::kWarn, event.event,
      {{"key", event.key},
       {"model", event.model},
       {"version", event.version.value_or(0)},
       {"kind", event.kind},
       {"peer", event.peer},
       {"why", event.why},
       {"seq", head->seq},
       {"head", head->sha256}});
  return reply;
}

Result<> KeyRelease::note_revocations() {
  TRY(keys, look());
  return note_revocations(keys);
}

Result<> KeyRelease::note_revocations(const Keys& keys) {
  const ReleaseState state = log_.state();
  for (const StoredKey& key : keys) {
    if (!key.record) continue;
    const auto& revoked = key.record->revoked;
    const auto noted = state.revoked.find(key.name);
    const bool known = noted != state.revoked.end();
    const std::string why = revoked ? printable(revoked->why, kMaxWhy) : "";
    if (revoked ? known && noted->second == why : !known) continue;
    TRY_OK(log_.add({.event = revoked ? "revoked" : "restored",
                     .key = key.name,
                     .key_recipient = key.record->recipient,
                     .why = why}));
    log(LogLevel::kInfo, revoked ? "revoked" : "restored", {{"key", key.name}, {"why", why}});
  }
  return {};
}

}  // namespace cloister::serving
