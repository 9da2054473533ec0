// The server's side of the exchange that comes before any input (attest/exchange.h).
#pragma once

#include "attest/exchange.h"
#include "bundle/bundle.h"
#include "net/http.h"

namespace cloister::serve {

// Answers who asks for evidence. Without a TEE its evidence is simulated: it says so, and proves
// nothing. Copies share their state. Thread-safe.
class EvidenceService {
 public:
  static Result<EvidenceService> make(const bundle::Bundle& bundle,
                                      const std::string& config_sha256, const std::string& tool);

  const char* mode() const { return "simulated"; }
  // To be called from the handler itself: it uses the request's channel.
  net::Response answer(const net::Request& request) const;

 private:
  struct State;
  explicit EvidenceService(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  Result<attest::ExchangeReply> reply_to(const net::Request& request) const;

  std::shared_ptr<const State> state_;
};

}  // namespace cloister::serve
