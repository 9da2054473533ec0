// A server that shows evidence for a bundle, as a test likes.
#pragma once

#include <future>

#include "attest/produce/simulated.h"
#include "attest/simulated/report.h"
#include "tee/evidence.h"
#include "tests/support/net.h"
#include "tests/support/served_model.h"

namespace cloister::test {

// What stands in a reply before there is evidence for it.
using ChangeReply = std::function<void(attest::ExchangeReply&)>;

// Answers the exchange, over TLS; nothing else.
class AttestedServer {
 public:
  using Exchange = std::function<net::Response(const net::Request&)>;

  explicit AttestedServer(Exchange exchange, const std::optional<net::TlsIdentity>& tls = {})
      : server_(value_of(net::Server::start(
            {.tls = tls ? *tls : identity()},
            [exchange = std::move(exchange)](net::Request request, net::Respond respond) {
              if (request.target != attest::kExchangeTarget) {
                return respond(net::text_response(200, "text/plain", "an answer"));
              }
              respond(exchange(request));
            }))) {}

  static net::TlsIdentity identity() {
    return value_of(net::make_tls_identity({"127.0.0.1"}, now_s()));
  }
  net::Url url() const { return {.tls = true, .host = "127.0.0.1", .port = server_->port()}; }

 private:
  std::unique_ptr<net::Server> server_;
};

inline std::unique_ptr<serving::EvidenceService> evidence_of(
    const Sealed& sealed, std::shared_ptr<attest::Attester> producer = attest::simulated_attester(),
    const serving::EvidenceOptions& options = {.per_second = 1e6, .burst = 1e6}) {
  return value_of(serving::EvidenceService::start(sealed.open(), std::string(64, 'c'), "test",
                                                  std::move(producer), options));
}

// What it answers, waited for.
inline net::Response answer_of(serving::EvidenceService& evidence, const net::Request& request) {
  std::promise<net::Response> answer;
  evidence.answer(request, [&](net::Response response) { answer.set_value(std::move(response)); });
  return answer.get_future().get();
}

// As the real one does.
inline AttestedServer::Exchange honest_exchange(const Sealed& sealed) {
  return [evidence = std::shared_ptr(evidence_of(sealed))](const net::Request& request) {
    return answer_of(*evidence, request);
  };
}

// Anybody can make simulated evidence: this one vouches for what `before` has changed; then `after`
// changes the reply again.
inline AttestedServer::Exchange changed_exchange(const Sealed& sealed, ChangeReply before,
                                                 ChangeReply after = nullptr) {
  return [honest = honest_exchange(sealed), before = std::move(before),
          after = std::move(after)](const net::Request& request) {
    const auto asked = value_of(attest::parse_request(as_text(request.body.bytes)));
    attest::ExchangeReply reply = value_of(attest::parse_reply(text_of(honest(request))));
    if (before) before(reply);
    reply.evidence.report = attest::simulated_report(
        {}, value_of(attest::report_data(
                attest::Role::kServer, value_of(request.channel->server_key_sha256()), asked.nonce,
                value_of(request.channel->exported_key(attest::kExporterLabel, asked.nonce.view())),
                reply.statement_json)));
    if (after) after(reply);
    return net::text_response(200, "application/json", attest::write_reply(reply));
  };
}

// A man in the middle: hands the exchange on to another server, and its reply back.
inline AttestedServer::Exchange relayed_exchange(const net::Url& to) {
  return [to](const net::Request& request) {
    const auto onward = value_of(net::Connection::open(
        to, {.trust = net::ClientOptions::Trust::kCallerChecks}, net::Seconds(20)));
    net::Response response = value_of(onward->exchange(
        {.method = request.method, .target = request.target}, {request.body}, net::Seconds(20)));
    response.fields = {{"Content-Type", "application/json"}};
    return response;
  };
}

}  // namespace cloister::test
