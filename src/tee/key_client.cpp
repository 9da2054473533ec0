#include "tee/key_client.h"

#include <algorithm>

#include "bundle/age.h"
#include "serving/key_messages.h"
#include "serving/report_data.h"
#include "wire/oip.h"

namespace cloister::serving {
namespace {

// A key server that fails, has too much to do or has forgotten its challenge may be asked again;
// one that says no may not.
Kind kind_of(unsigned status) {
  return status == 409 || status == 429 || status >= 500 ? Kind::kUnavailable : Kind::kRefused;
}

// What can't be read is no better than a refusal, and what takes too long may be tried again.
std::unexpected<Error> as_seen_by_caller(Error error) {
  if (error.kind == Kind::kInvalid || error.kind == Kind::kUnsupported) error.kind = Kind::kRefused;
  if (error.kind == Kind::kDeadline) error.kind = Kind::kUnavailable;
  return std::unexpected(std::move(error));
}

Result<std::string> post(net::Connection& connection, const char* target, std::string body,
                         net::Seconds limit) {
  net::Request request{.method = "POST", .target = target, .fields = {}};
  std::vector<SharedBytes> bodies;
  if (!body.empty()) {
    request.fields.push_back({"Content-Type", "application/json"});
    bodies.push_back(net::shared_text(std::move(body)));
  }
  auto response = connection.exchange(request, std::move(bodies), limit);
  if (!response) return as_seen_by_caller(response.error());
  const Bytes answer = net::body_of(*response).bytes;
  if (response->status == 200) return std::string(as_text(answer));
  return fail(kind_of(response->status), "status {}, {}", response->status,
              oip::parse_error(answer));
}

// Evidence for this connection, this nonce and this recipient.
Result<std::string> reply_to(const attest::ExchangeRequest& asked, const net::Channel& channel,
                             const KeyQuestion& question, const bundle::Bundle& bundle,
                             const age::Recipient& recipient, attest::Attester& producer) {
  const std::string_view kind = attest::to_string(producer.kind());
  if (!asked.kinds.empty() && std::ranges::find(asked.kinds, kind) == asked.kinds.end()) {
    return fail(Kind::kRefused, "it accepts no evidence of kind '{}'", kind);
  }
  attest::ExchangeReply reply{.evidence = {},
                              .endorsements = {},
                              .statement_json = attest::write_statement(
                                  {.role = "client",
                                   .mode = std::string(attest::kind_class(producer.kind())),
                                   .manifest_sha256 = bundle.manifest_sha256(),
                                   .config_sha256 = question.config_sha256,
                                   .tool = question.tool,
                                   .recipient = recipient.text()}),
                              .manifest_json = bundle.manifest_json(),
                              .manifest_signature = bundle.manifest_signature(),
                              .files = {}};
  TRY(data, report_data_on(channel, attest::Role::kClient, asked.nonce, reply.statement_json));
  TRY(shown, producer.produce(data));
  reply.evidence = std::move(shown.evidence);
  reply.endorsements = std::move(shown.endorsements);
  for (const std::string& name : asked.files) {
    // A key server sees no more than clients do.
    if (std::ranges::find(attest::kPublicFiles, name) == std::end(attest::kPublicFiles)) continue;
    auto text = bundle.read(name);
    if (!text && text.error().kind == Kind::kNotFound) continue;
    if (!text) return std::unexpected(text.error());
    reply.files.emplace(name, std::move(*text));
  }
  return attest::write_reply(reply);
}

// Those asked for, each for the identity: otherwise loading would fail later, with less to say.
Result<> check_headers(const bundle::WrappedKeys& asked, const bundle::WrappedKeys& got,
                       const std::vector<age::Identity>& identities) {
  for (const auto& [entry, header] : got) {
    if (!asked.contains(entry)) {
      return fail(Kind::kRefused, "a header for '{}', which was not requested", printable(entry));
    }
    if (const auto opened = age::rewrap(header, identities, identities[0].recipient()); !opened) {
      return with_context(as_seen_by_caller(opened.error()).error(), "entry " + entry);
    }
  }
  if (got.size() == asked.size()) return {};
  return fail(Kind::kRefused, "{} headers, want {}", got.size(), asked.size());
}

Result<ReleasedKeys> ask(const KeyQuestion& question, const bundle::Bundle& bundle,
                         attest::Attester& producer) {
  auto connection = net::Connection::open(question.server, question.client, question.limit);
  if (!connection) return as_seen_by_caller(connection.error());
  TRY(challenge, post(**connection, kChallengeTarget, "", question.limit));
  auto asked = attest::parse_request(challenge);
  if (!asked) return as_seen_by_caller(asked.error());

  TRY(identity, age::Identity::generate());
  TRY(headers, bundle.headers());
  TRY(reply,
      reply_to(*asked, (*connection)->channel(), question, bundle, identity.recipient(), producer));
  TRY(answer, post(**connection, kReleaseTarget,
                   write_key_request({std::move(reply), bundle.manifest().recipients, headers}),
                   question.limit));
  auto released = parse_key_reply(answer);
  if (!released) return as_seen_by_caller(released.error());
  ReleasedKeys keys{
      .identities = {}, .headers = std::move(released->headers), .key = std::move(released->key)};
  keys.identities.push_back(std::move(identity));
  TRY_OK(check_headers(headers, keys.headers, keys.identities));
  return keys;
}

}  // namespace

Result<ReleasedKeys> ask_for_keys(const KeyQuestion& question, const bundle::Bundle& bundle,
                                  attest::Attester& producer) {
  const std::string who = net::url_text(question.server);
  if (!question.server.tls) return fail(Kind::kUsage, "key server '{}': want https", who);
  auto keys = ask(question, bundle, producer);
  if (!keys) return with_context(keys.error(), fmt::format("key server '{}'", who));
  return keys;
}

}  // namespace cloister::serving
