// A server that shows evidence for a bundle, as the real one does, and answers the rest as a test
// says; it counts what it is asked.
#pragma once

#include <atomic>

#include "net/server.h"
#include "tests/support/attested_server.h"

namespace cloister::test {

class EvidenceServer {
 public:
  using Answer = std::function<net::Response(const net::Request&)>;

  EvidenceServer(const Sealed& sealed, Answer answer)
      : evidence_(evidence_of(sealed)), answer_(std::move(answer)) {
    const net::ServerOptions options{
        .tls = value_of(net::make_tls_identity({"127.0.0.1"}, 1'700'000'000))};
    server_ =
        value_of(net::Server::start(options, [this](net::Request request, net::Respond respond) {
          if (request.target == attest::kExchangeTarget) {
            ++exchanges;
            return evidence_->answer(request, std::move(respond));
          }
          ++others;
          respond(answer_(request));
        }));
  }

  net::Url url() const { return {.tls = true, .host = "127.0.0.1", .port = server_->port()}; }

  std::atomic<int> exchanges = 0;
  std::atomic<int> others = 0;

 private:
  std::unique_ptr<serving::EvidenceService> evidence_;
  Answer answer_;
  std::unique_ptr<net::Server> server_;  // last: goes first
};

}  // namespace cloister::test
