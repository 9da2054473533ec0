// A connection to a server that has shown what it is. There is no other way to get one than through
// verification, and nothing else in the client sends inputs.
#pragma once

#include "attest/exchange.h"
#include "attest/verify.h"
#include "bundle/manifest.h"
#include "bundle/minisign.h"
#include "net/client.h"

namespace cloister::serve {

// What a client accepts.
struct TrustPolicy {
  attest::Policy tee;  // which environments; the default accepts none
  // Of which one must have signed the bundle's manifest; empty: the signature is not looked at.
  std::vector<minisign::PublicKey> signers;
  uint64_t min_version = 0;     // of the bundle
  std::string manifest_sha256;  // not empty: exactly this bundle
};

struct VerifyOptions {
  TrustPolicy policy;
  net::ClientOptions client;       // by default any certificate: the evidence is bound to its key
  std::vector<std::string> files;  // of the bundle, to be handed over and checked
  net::Seconds limit{10};
  // UTC: certificates and collateral expire.
  attest::Time (*clock)() = [] {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  };
};

// What was verified.
struct ServerFacts {
  attest::VerifiedClaims environment;
  attest::Statement statement;
  bundle::Manifest manifest;
  bool signature_checked = false;
  std::map<std::string, std::string> files;  // checked against the manifest
};

// Not thread-safe.
class VerifiedConnection {
 public:
  // Connects, and asks for evidence with a fresh nonce. kRefused, naming what does not hold, when
  // the policy does not accept what is shown; otherwise as net::Connection::open().
  static Result<std::unique_ptr<VerifiedConnection>> open(const net::Url& url,
                                                          const VerifyOptions& options);

  const ServerFacts& facts() const { return facts_; }
  bool is_open() const { return connection_->is_open(); }

  // As net::Connection::exchange(), on the very connection that was verified.
  Result<net::Response> exchange(const net::Request& request, std::vector<SharedBytes> body,
                                 net::Seconds limit) {
    return connection_->exchange(request, std::move(body), limit);
  }

 private:
  VerifiedConnection(std::unique_ptr<net::Connection> connection, ServerFacts facts)
      : connection_(std::move(connection)), facts_(std::move(facts)) {}

  std::unique_ptr<net::Connection> connection_;
  ServerFacts facts_;
};

}  // namespace cloister::serve
