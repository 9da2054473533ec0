// Decides which servers get a key. Everything but the clock, the keys' folder and the log is in the
// question.
#pragma once

#include "keyserver/key_metrics.h"
#include "keyserver/key_store.h"
#include "keyserver/release_log.h"
#include "serving/key_messages.h"
#include "trust/appraise.h"

namespace cloister::serving {

// The TLS connection on which a key is asked for.
struct KeyConnection {
  Digest server_key{};  // SHA-256 of the server's public key
  attest::Nonce nonce{};
  std::array<std::byte, 32> exported{};  // for that nonce
  std::string peer;
};

// What an environment is recognised by: "measurement=...", "chip_id=...".
std::vector<std::string> identity_of(const attest::Claims& claims);

// Not thread-safe.
class KeyRelease {
 public:
  // Refers to `log`, `metrics` and `roots`.
  KeyRelease(fs::path keys, ReleaseLog& log, KeyMetrics& metrics, std::function<Time()> clock,
             const attest::Roots& roots)
      : keys_(std::move(keys)),
        log_(log),
        metrics_(metrics),
        clock_(std::move(clock)),
        roots_(roots) {}

  // What evidence is to be given for, and the files that some key's policy can't be judged without.
  // kIo when the keys can't be listed.
  Result<attest::ExchangeRequest> challenge(const attest::Nonce& nonce) const;

  // Judges, logs, and only then wraps for whom the evidence vouches. kRefused, kInvalid: logged,
  // too; kIo, kUnavailable: nothing was decided.
  Result<KeyReply> release(std::string_view request, const KeyConnection& connection);

  // Brings keys that were revoked, or restored, into the log.
  Result<> note_revocations();

 private:
  using Keys = std::vector<StoredKey>;

  Result<Keys> look() const;
  Result<> note_revocations(const Keys& keys);
  Result<KeyReply> decide(std::string_view request, const KeyConnection& connection,
                          const Keys& keys, ReleaseEvent& event);
  Result<> judge(const KeyRecord& key, const attest::ExchangeReply& reply,
                 const KeyConnection& connection, ReleaseEvent& event,
                 bundle::Manifest& manifest) const;

  fs::path keys_;
  ReleaseLog& log_;
  KeyMetrics& metrics_;
  std::function<Time()> clock_;
  const attest::Roots& roots_;
};

}  // namespace cloister::serving
