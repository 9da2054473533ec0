// An HTTP/1.1 server on Boost.Beast: keep-alive, TLS 1.3, limits on everything that a peer chooses.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "net/http.h"
#include "net/tls.h"

namespace cloister::net {

using Seconds = std::chrono::duration<double>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;               // 0: any free one
  std::optional<TlsIdentity> tls;  // plain HTTP without
  std::string client_ca_pem;       // not empty: certificates that clients send must chain to it
  bool require_client_certificate = false;
  int threads = 1;                    // that move bytes; made at start
  size_t max_connections = 1024;      // further ones are closed at once
  size_t max_per_address = SIZE_MAX;  // of them from one address
  uint32_t max_header_bytes = 16 << 10;
  uint64_t max_body_bytes = 64 << 20;
  // Of what requests, and answers that are not read, hold at a time; 503 beyond. One address may
  // hold the part of it that its connections may be of all.
  uint64_t max_total_body_bytes = 1ULL << 30;
  Seconds header_timeout{10};  // handshake, and a request's head once it has begun
  Seconds body_timeout{60};
  Seconds idle_timeout{75};  // between requests
  Seconds write_timeout{60};
};

// Answers a request: call once, from any thread. Dropping it unanswered answers 500.
using Respond = std::move_only_function<void(Response)>;
using Handler = std::function<void(Request, Respond)>;
// Sees a request before its body is read (request.body is empty); what it returns is sent instead,
// and the connection closed.
using Gate = std::function<std::optional<Response>(const Request&)>;

class Server {
 public:
  // kIo when the address can't be had, kInvalid when the certificates are none. Handler and gate
  // are called on the server's threads; they must neither block nor throw.
  // The key's text is overwritten once it is read: who moves the options leaves no copy of it.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler,
                                               Gate gate = nullptr);
  virtual ~Server() = default;  // closes what is open, joins the threads

  virtual uint16_t port() const = 0;
  // For connections from now on; those that are open keep what they have. kInvalid, and nothing is
  // changed, when the certificates are none or the key is not theirs. Only of a server with TLS.
  virtual Result<> replace_identity(TlsIdentity identity) = 0;
  // In place of what it was started with, for connections from now on. Those that are open keep
  // theirs, and are closed after their next answer, but not after their first. What the old ones
  // hold is let go with the last of these connections, on a thread of the server.
  virtual void replace_handler(Handler handler, Gate gate) = 0;
  // Accepts nothing more, answers what was received with "Connection: close", closes idle
  // connections; returns when all are closed or after `limit`. Callable once.
  virtual void drain(Seconds limit) = 0;
  virtual size_t connections() const = 0;
};

}  // namespace cloister::net
