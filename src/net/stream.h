// Bytes over a non-blocking socket, plain or through TLS: system calls and OpenSSL, and no idea of
// who waits, so that server and client share it.
#pragma once

#include <span>

#include "net/http.h"
#include "net/tls_context.h"

namespace cloister::net {

// What became of an attempt: done, try again when the socket can be read or written, the peer ended
// the stream in order, or it is broken.
enum class Io { kDone, kWantRead, kWantWrite, kEnd, kBroken };

// Pieces of memory on their way out, one after the other. It does not own them.
class Outgoing {
 public:
  void add(Bytes piece);
  void clear() { pieces_.clear(), first_ = 0; }
  bool empty() const { return first_ == pieces_.size(); }
  std::span<const Bytes> pieces() const { return std::span(pieces_).subspan(first_); }
  void consume(size_t count);  // at most what is left

 private:
  std::vector<Bytes> pieces_;  // none of those left is empty
  size_t first_ = 0;
};

// Not thread-safe.
class Stream : public Channel {
 public:
  struct ReadResult {
    Io io;
    size_t count = 0;
  };
  enum class Side { kServer, kClient };

  // Neither owns `socket`, which must be non-blocking.
  static std::unique_ptr<Stream> plain(int socket);
  static Result<std::unique_ptr<Stream>> tls(int socket, SSL_CTX* context, Side side);

  // To be called until it is kDone, before anything else is.
  virtual Io handshake() = 0;
  // At least one byte into `room` if kDone.
  virtual ReadResult read(MutableBytes room) = 0;
  // kDone when all of `outgoing` is with the system. Until then what it holds must stay.
  virtual Io write(Outgoing& outgoing) = 0;
  // Tells the peer that nothing more comes. What can't be sent at once is not sent.
  virtual void end() = 0;

  virtual SSL* ssl() { return nullptr; }
  virtual std::string error_text() const = 0;  // why it was kBroken; empty if it was not
  virtual bool peer_speaks_plain_http() const { return false; }
};

}  // namespace cloister::net
