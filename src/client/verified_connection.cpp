#include "client/verified_connection.h"

#include <algorithm>

#include "base/random.h"
#include "net/deadline.h"
#include "serving/report_data.h"
#include "wire/oip.h"

namespace cloister::serving {
namespace {

Result<attest::ExchangeReply> ask(net::Connection& connection,
                                  const attest::ExchangeRequest& request, net::Seconds limit) {
  const net::Request http{.method = "POST",
                          .target = attest::kExchangeTarget,
                          .fields = {{"Content-Type", "application/json"}}};
  TRY(response,
      connection.exchange(http, {net::shared_text(attest::write_request(request))}, limit));
  const Bytes body = net::body_of(response).bytes;
  if (response.status != 200) {
    // Too busy is not the same as not trusted.
    const bool later = response.status == 503 || response.status == 504;
    return fail(later ? Kind::kUnavailable : Kind::kRefused, "no evidence: status {}, {}",
                response.status, oip::parse_error(body));
  }
  auto reply = attest::parse_reply(as_text(body));
  // Unreadable evidence is refused like wrong evidence.
  if (!reply) return fail(Kind::kRefused, "evidence: {}", reply.error().message);
  return reply;
}

Result<Examined> ask_and_judge(net::Connection& connection, const VerifyOptions& options,
                               net::Clock::time_point deadline, std::vector<std::string> files) {
  attest::ExchangeRequest request{.files = std::move(files)};
  TRY_OK(random_bytes(request.nonce.bytes));
  TRY(reply, ask(connection, request, net::left_until(deadline)));
  TRY(expected, report_data_on(connection.channel(), attest::Role::kServer, request.nonce,
                               reply.statement_json));
  Examined out{
      .expected = expected,
      .judgement = attest::appraise(reply, options.policy,
                                    {.role = attest::Role::kServer,
                                     .expected = expected,
                                     .now = options.clock(),
                                     .audited_manifest_sha256 = options.audited_manifest_sha256})};
  out.reply = std::move(reply);
  return out;
}

Result<ServerFacts> facts_of(Examined examined, const attest::TrustPolicy& policy) {
  TRY_OK(attest::refusal(examined.judgement));
  TRY(environment, attest::VerifiedClaims::of(examined.judgement.tee));
  return ServerFacts{.environment = environment,
                     .statement = std::move(*examined.judgement.statement),
                     .manifest = std::move(*examined.judgement.manifest),
                     .signature_checked = !policy.bundle.signers.empty(),
                     .bundle_pinned = !policy.bundle.manifests.empty(),
                     .audit_checked = !policy.audit.accept_unaudited,
                     .files = std::move(examined.reply.files)};
}

Result<Examined> examine_by(net::Connection& connection, const VerifyOptions& options,
                            net::Clock::time_point deadline) {
  std::vector<std::string> needed = options.files;
  for (std::string& name : attest::files_to_judge(options.policy)) {
    if (std::ranges::find(needed, name) == needed.end()) needed.push_back(std::move(name));
  }
  const std::string& known = options.audited_manifest_sha256;
  if (known.empty()) return ask_and_judge(connection, options, deadline, std::move(needed));
  TRY(examined, ask_and_judge(connection, options, deadline, options.files));
  const auto& statement = examined.judgement.statement;
  if (!statement || statement->manifest_sha256 == known) return examined;
  // Another bundle by now: its audit must be shown.
  return ask_and_judge(connection, options, deadline, std::move(needed));
}

}  // namespace

Result<Examined> examine(net::Connection& connection, const VerifyOptions& options) {
  return examine_by(connection, options, net::deadline_after(options.limit));
}

Result<std::unique_ptr<VerifiedConnection>> VerifiedConnection::open(const net::Url& url,
                                                                     const VerifyOptions& options) {
  if (!url.tls) return fail(Kind::kUsage, "'{}': want https", net::url_text(url));
  const auto deadline = net::deadline_after(options.limit);
  TRY(connection, net::Connection::open(url, options.client, options.limit));
  TRY(examined, examine_by(*connection, options, deadline));
  TRY(facts, facts_of(std::move(examined), options.policy));
  return std::unique_ptr<VerifiedConnection>(
      new VerifiedConnection(std::move(connection), std::move(facts)));
}

}  // namespace cloister::serving
