// cloisterd without its command line: a bundle behind TLS.
#pragma once

#include "attest/produce/attester.h"
#include "bundle/age.h"
#include "bundle/bundle.h"
#include "tee/clients.h"
#include "tee/served_bundle.h"

namespace cloister::serving {

// What the server is made of, read by the caller: libraries read neither arguments nor files that
// those name.
struct TrustedServerParts {
  ServerConfig config;
  std::string tool;  // "cloister 0.1.0"
  std::vector<age::Identity> identities;
  bundle::WrappedKeys headers;  // that a key server released for one of them (tee/key_client.h)
  std::vector<Endpoint> workers;
  net::ClientOptions worker_client;  // how workers are asked: authority, limits
  std::optional<std::vector<Client>> clients;
  std::string client_ca_pem;
  std::optional<net::TlsIdentity> tls;         // otherwise made anew
  std::shared_ptr<attest::Attester> producer;  // never null: of evidence
  std::vector<std::string> sandbox;            // what is active of it (cli/sandbox.h)
  int64_t now_unix_s = 0;
};

// Thread-safe.
class TrustedServer {
 public:
  // Loads the segments, makes a key, and listens. Errors as those of Bundle, engine and
  // net::Server, with what was being done in front.
  static Result<std::unique_ptr<TrustedServer>> start(const bundle::Bundle& bundle,
                                                      TrustedServerParts parts);
  ~TrustedServer();

  uint16_t port() const;
  uint16_t metrics_port() const;  // 0: none
  std::string config_sha256() const;
  // Whether requests would be answered now.
  Result<> ready() const;

  // Serves a newer bundle of the same model to connections from now on. Those that are open keep
  // theirs, which they have verified, and are closed after their next answer; the old bundle and
  // its workers stay as long as one of them does. Errors as of start(); kRefused for another model,
  // or for a version that is not newer; kUnavailable where no worker of it is up within `limit`.
  // Nothing is changed then. By one thread at a time.
  Result<> replace_bundle(const bundle::Bundle& bundle, BundleParts parts,
                          Seconds limit = Seconds(10));
  std::string manifest_sha256() const;  // of the bundle that new connections get
  // In place of all workers that it has (WorkerPool::replace). kUsage where the plan has none.
  Result<> replace_workers(const std::vector<Endpoint>& workers);
  // For connections from now on (net::Server::replace_identity).
  Result<> replace_certificate(net::TlsIdentity identity);

  // Takes no more requests, answers those that it has, at most for `limit`.
  void drain(serving::Seconds limit);

 private:
  struct Parts;
  explicit TrustedServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace cloister::serving
