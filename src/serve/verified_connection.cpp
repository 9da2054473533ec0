#include "serve/verified_connection.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/random.h"
#include "wire/oip.h"

namespace cloister::serve {
namespace {

SharedBytes body_of(const net::Response& response) {
  return response.body.empty() ? SharedBytes{} : response.body[0];
}

Result<attest::ExchangeReply> ask(net::Connection& connection,
                                  const attest::ExchangeRequest& request, net::Seconds limit) {
  const net::Request http{.method = "POST",
                          .target = attest::kExchangeTarget,
                          .fields = {{"Content-Type", "application/json"}}};
  TRY(response,
      connection.exchange(http, {net::shared_text(attest::write_request(request))}, limit));
  const Bytes body = body_of(response).bytes;
  if (response.status != 200) {
    return fail(Kind::kRefused, "no evidence: status {}, {}", response.status,
                oip::parse_error(body));
  }
  auto reply = attest::parse_reply(as_text(body));
  if (!reply) return with_context(reply.error(), "evidence");
  return reply;
}

// 1. The evidence is of a kind that the policy accepts, and vouches for this connection.
Result<> check_evidence(const attest::ExchangeReply& reply, const attest::ReportData& expected,
                        const TrustPolicy& policy) {
  if (reply.kind != "simulated") {
    return fail(Kind::kRefused, "evidence of kind '{}' is not known", printable(reply.kind));
  }
  if (reply.evidence.size() != expected.size() ||
      CRYPTO_memcmp(reply.evidence.data(), expected.data(), expected.size()) != 0) {
    return fail(Kind::kRefused, "the evidence is not of this connection");
  }
  if (!policy.allow_simulated) {
    return fail(Kind::kRefused,
                "the server runs in simulated mode, without a trusted environment: nothing "
                "protects the input from its host (--allow-simulated accepts that, for trying "
                "things out)");
  }
  return {};
}

// 2. The manifest is the one that the claims name, signed by whom the policy trusts, and not old.
Result<> check_manifest(const attest::ExchangeReply& reply, const ServerFacts& facts,
                        const TrustPolicy& policy) {
  const std::string digest = to_hex(sha256(as_bytes(reply.manifest_json)));
  if (digest != facts.claims.manifest_sha256) {
    return fail(Kind::kRefused, "the manifest has SHA-256 {}, the claims say {}", digest,
                facts.claims.manifest_sha256);
  }
  if (!policy.manifest_sha256.empty() && digest != policy.manifest_sha256) {
    return fail(Kind::kRefused, "the server has the bundle with manifest {}, want {}", digest,
                policy.manifest_sha256);
  }
  if (facts.manifest.version < policy.min_version) {
    return fail(Kind::kRefused, "the bundle has version {}, want {} or later",
                facts.manifest.version, policy.min_version);
  }
  if (policy.signers.empty()) return {};
  if (reply.manifest_signature.empty()) {
    return fail(Kind::kRefused, "the bundle is not signed");
  }
  TRY_OK(minisign::verify(as_bytes(reply.manifest_json), reply.manifest_signature, policy.signers));
  return {};
}

// 3. Files handed over are those of the manifest.
Result<> check_files(const ServerFacts& facts) {
  for (const auto& [name, text] : facts.files) {
    const bundle::Entry* const entry = facts.manifest.entry(name);
    if (entry == nullptr || entry->sha256 != to_hex(sha256(as_bytes(text)))) {
      return fail(Kind::kRefused, "'{}' is not the file that the manifest lists", printable(name));
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<VerifiedConnection>> VerifiedConnection::open(const net::Url& url,
                                                                     const VerifyOptions& options) {
  if (!url.tls) return fail(Kind::kUsage, "'{}': want https", net::url_text(url));
  TRY(connection, net::Connection::open(url, options.client, options.limit));
  attest::ExchangeRequest request{.files = options.files};
  TRY_OK(random_bytes(request.nonce));
  TRY(reply, ask(*connection, request, options.limit));

  TRY(exported, connection->channel().exported_key(attest::kExporterLabel, request.nonce));
  TRY(key, connection->channel().server_key_sha256());
  const attest::ReportData expected =
      attest::report_data(attest::Role::kServer, key, request.nonce, exported, reply.claims_json);
  TRY_OK(check_evidence(reply, expected, options.policy));
  ServerFacts facts{.kind = reply.kind, .signature_checked = !options.policy.signers.empty()};
  TRY(claims, attest::parse_claims(reply.claims_json));
  facts.claims = std::move(claims);
  TRY(manifest, bundle::parse_manifest(reply.manifest_json));
  facts.manifest = std::move(manifest);
  facts.files = std::move(reply.files);
  TRY_OK(check_manifest(reply, facts, options.policy));
  TRY_OK(check_files(facts));
  return std::unique_ptr<VerifiedConnection>(
      new VerifiedConnection(std::move(connection), std::move(facts)));
}

}  // namespace cloister::serve
