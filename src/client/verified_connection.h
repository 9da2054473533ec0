// A connection to a server that has shown what it is. There is no other way to get one than through
// verification, and nothing else in the client sends inputs.
#pragma once

#include "net/client.h"
#include "trust/appraise.h"

namespace cloister::serving {

struct VerifyOptions {
  attest::TrustPolicy policy;      // the default accepts nothing
  net::ClientOptions client;       // by default any certificate: the evidence is bound to its key
  std::vector<std::string> files;  // of the bundle, to be handed over and checked
  // Of a bundle whose audit was found good under this policy on another connection, and need not
  // be handed over again; empty: none.
  std::string audited_manifest_sha256;
  net::Seconds limit{10};  // for all that verifying takes
  // UTC: certificates and collateral expire.
  Time (*clock)() = [] {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  };
};

// What a peer showed over one connection, and the result of judging it.
struct Examined {
  attest::ExchangeReply reply;
  attest::ReportData expected{};  // what the evidence must be over, on this connection
  attest::AppraisalResult judgement;
};

// Asks the server for evidence with a fresh nonce, and judges what it shows; trusts nothing, for
// those who want to read the checks. kRefused where what was shown can't be read at all; otherwise
// errors of net::Connection.
Result<Examined> examine(net::Connection& connection, const VerifyOptions& options);

// What was verified.
struct ServerFacts {
  attest::VerifiedClaims environment;
  attest::Statement statement;
  bundle::Manifest manifest;
  bool signature_checked = false;            // whose bundle it is
  bool bundle_pinned = false;                // which bundle it is
  bool audit_checked = false;                // what crosses the cut
  std::map<std::string, std::string> files;  // checked against the manifest
};

// Not thread-safe.
class VerifiedConnection {
 public:
  // Connects, and asks for evidence with a fresh nonce. kRefused, naming what does not hold, when
  // the policy does not accept what is shown; kUnavailable when the server has none now; otherwise
  // as net::Connection::open().
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

}  // namespace cloister::serving
