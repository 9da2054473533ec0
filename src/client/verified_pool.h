// A few verified connections to one server, for callers on several threads.
#pragma once

#include "client/verified_connection.h"

namespace cloister::serving {

struct PoolOptions {
  net::Url server;
  VerifyOptions verify;
  size_t connections = 8;          // at most; a request that finds none free waits
  net::Seconds verify_every{900};  // an older connection is closed and a new one verified
  // Whether later connections may show another bundle, if it is no older, and another kind of
  // evidence, as far as the policy allows: for those who act on nothing that facts() says.
  bool renewable = false;
};

// Thread-safe.
class VerifiedPool {
 public:
  // Opens and verifies the first connection. Errors as VerifiedConnection::open(), but kRefused
  // also when what the server shows can't be read.
  static Result<std::unique_ptr<VerifiedPool>> open(PoolOptions options);
  // Not while exchange() runs.
  ~VerifiedPool();

  // Of the first connection. Unless `renewable`, those that come later must show the same kind of
  // evidence and the same manifest, since callers act on these.
  const ServerFacts& facts() const;

  // As VerifiedConnection::exchange(), on a connection that was verified. What was sent on one that
  // had lain idle and was lost is sent again, once, on a new one, so that requests must be such
  // that this does no harm. Besides errors of open(): kNotFound when the server is no longer that
  // of facts(), kDeadline when no connection came free.
  Result<net::Response> exchange(const net::Request& request, const std::vector<SharedBytes>& body,
                                 net::Seconds limit);

 private:
  struct State;
  explicit VerifiedPool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::serving
