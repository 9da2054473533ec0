// cloister-keyserver without its command line: keys behind TLS, for servers that show what they
// are.
#pragma once

#include "attest/roots.h"
#include "keyserver/release_log.h"
#include "net/server.h"

namespace cloister::serving {

struct KeyServerOptions {
  std::string listen = "127.0.0.1:8444";
  std::optional<net::TlsIdentity> tls;  // nothing: one of its own, made at start
  std::vector<std::string> names;       // for that one's certificate
  fs::path keys;                        // folder
  fs::path log;                         // file; made where there is none
  std::string tool;                     // "cloister 0.1.0"
  // Rate limit over all clients together; each request may add a line to the log.
  double rate_per_s = 2;
  double burst = 50;
  net::Seconds nonce_lifetime{60};
  size_t max_connections = 256;
  uint64_t max_body_bytes = 32 << 20;
  std::function<Time()> clock = [] {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  };
};

// Thread-safe.
class KeyServer {
 public:
  // Reads the log, notes what was revoked meanwhile, and listens. Refers to `roots`. kRefused when
  // the log was altered, kUnavailable when another server has it.
  static Result<std::unique_ptr<KeyServer>> start(
      KeyServerOptions options, const attest::Roots& roots = attest::vendor_roots());
  ~KeyServer();

  uint16_t port() const;
  LogHead head() const;
  // For connections from now on (net::Server::replace_identity).
  Result<> replace_certificate(net::TlsIdentity identity);
  // ReleaseLog::reopen().
  Result<bool> reopen_log();
  // Takes no more requests, answers those that it has, at most for `limit`.
  void drain(net::Seconds limit);

 private:
  struct State;
  explicit KeyServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::serving
