// A plain Open Inference Protocol v2 endpoint whose requests go to a verified server: for clients
// that know nothing of attestation.
#pragma once

#include "client/verified_connection.h"
#include "net/server.h"

namespace cloister::serving {

struct ProxyOptions {
  net::Url server;
  VerifyOptions verify;
  std::string listen_host = "127.0.0.1";
  uint16_t listen_port = 0;
  std::vector<std::string> hosts;  // names that clients may have for it, as in own_hosts.h
  int connections = 8;             // to the server, at most: so many requests at a time
  size_t queue = 256;              // requests that may wait for one
  std::string token;               // sent with requests that have no Authorization of their own
  net::Seconds limit{60};          // for an answer
  net::Seconds verify_every{900};  // connections are closed and verified anew after this
  uint64_t max_body_bytes = 64 << 20;
};

// Thread-safe.
class Proxy {
 public:
  // Verifies the server once before it listens, so that a server that is not accepted is known at
  // once. Errors as VerifiedConnection::open(), HostAllowlist::make() and net::Server::start().
  static Result<std::unique_ptr<Proxy>> start(const ProxyOptions& options);
  ~Proxy();

  uint16_t port() const;
  const ServerFacts& facts() const;  // of the first connection
  void drain(net::Seconds limit);

 private:
  struct State;
  explicit Proxy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::serving
