// An HTTP/1.1 client: one connection, blocking calls with a time limit.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "net/http.h"
#include "net/tls.h"

namespace cloister::net {

using Seconds = std::chrono::duration<double>;

// "https://host:8443/path"
struct Url {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  uint16_t port = 80;
  std::string path;  // begins with '/', or empty
};
// http and https only; no user, query or fragment.
Result<Url> parse_url(std::string_view text);
std::string url_text(const Url& url);

struct ClientOptions {
  // With TLS, what makes a server's certificate acceptable: a chain to `ca_pem` and the right name,
  // the system's authorities and the right name, or anything, because the caller checks the
  // channel itself before it sends what matters (attestation).
  enum class Trust { kSystem, kCaPem, kCallerChecks };
  Trust trust = Trust::kSystem;
  std::string ca_pem;
  std::optional<TlsIdentity> identity;  // a client certificate
  uint64_t max_body_bytes = 256 << 20;
  uint32_t max_header_bytes = 16 << 10;
};

// Not thread-safe.
class Connection {
 public:
  // kUnavailable when nobody answers there, kDeadline after `limit`, kRefused when the certificate
  // is not acceptable.
  static Result<std::unique_ptr<Connection>> open(const Url& url, const ClientOptions& options,
                                                  Seconds limit);
  virtual ~Connection() = default;

  // Sends a request with `body`, which is not copied (request.body is not sent), and waits for the
  // whole response. After an error the connection is closed. kUnavailable: it was lost, kDeadline,
  // kInvalid: the request can't be sent (the connection stays open then), or what came is not HTTP;
  // kUnsupported: the body is too large.
  virtual Result<Response> exchange(const Request& request, std::vector<SharedBytes> body,
                                    Seconds limit) = 0;
  // Bodies of later responses may have `bytes`, and no more than ClientOptions::max_body_bytes.
  virtual void limit_bodies(uint64_t bytes) = 0;
  virtual bool is_open() const = 0;  // false also when the peer was seen to have closed it
  virtual const Channel& channel() const = 0;
};

}  // namespace cloister::net
