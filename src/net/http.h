// HTTP messages as plain data, shared by server and client.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"

namespace cloister::net {

struct Field {
  std::string name;
  std::string value;
};

// In order; names are compared without case.
class Fields : public std::vector<Field> {
 public:
  using std::vector<Field>::vector;
  // The value of the first field of that name; nullptr when there is none.
  const std::string* find(std::string_view name) const;
  size_t count(std::string_view name) const;
  // In place of those of that name.
  void set(std::string_view name, std::string value);
};

// The TLS session under a connection. Call from the handler itself (server), or between exchanges
// (client): not while bytes move.
class Channel {
 public:
  virtual ~Channel() = default;
  // RFC 8446 exporter, 32 bytes, for `label` and `context`. kUnsupported without TLS.
  virtual Result<std::array<std::byte, 32>> exported_key(std::string_view label,
                                                         Bytes context) const = 0;
  // SHA-256 over the DER SubjectPublicKeyInfo of the server's certificate (own or peer's).
  virtual Result<std::array<std::byte, 32>> server_key_sha256() const = 0;
  // SHA-256 (hex) over the DER certificate that the client sent; empty if none.
  virtual std::string client_certificate_sha256() const = 0;
};

class BodyBudget;

struct Request {
  std::string method = "GET";
  std::string target = "/";
  Fields fields;
  SharedBytes body;                    // 64-byte aligned where it came from the network
  std::string peer;                    // "127.0.0.1:4242"; server side
  uint64_t connection = 0;             // number of the connection; server side
  const Channel* channel = nullptr;    // server side, valid during the handler's call only
  std::shared_ptr<BodyBudget> memory;  // what requests may take of it; server side
};

struct Response {
  unsigned status = 200;
  Fields fields;
  // The body: these, one after the other. From the client: at most one, 64-byte aligned.
  std::vector<SharedBytes> body;
};

// The body that a client received, whole; nothing when there is none.
SharedBytes body_of(const Response& received);

// A body of `text`; the response owns it.
Response text_response(unsigned status, std::string content_type, std::string text);
SharedBytes shared_text(std::string text);

}  // namespace cloister::net
