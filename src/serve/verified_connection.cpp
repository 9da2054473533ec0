#include "serve/verified_connection.h"

#include <algorithm>

#include "base/random.h"
#include "wire/oip.h"

namespace cloister::serve {
namespace {

SharedBytes body_of(const net::Response& response) {
  return response.body.empty() ? SharedBytes{} : response.body[0];
}

// Who shows something that can't be read is refused like who shows the wrong thing.
std::unexpected<Error> refused(Error error) {
  const bool unreadable = error.kind == Kind::kInvalid || error.kind == Kind::kUnsupported;
  if (unreadable) error.kind = Kind::kRefused;
  return std::unexpected(std::move(error));
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
  if (!reply) return refused(with_context(reply.error(), "evidence").error());
  return reply;
}

// Of the checks that bind evidence to what was asked.
bool is_of_another_connection(const attest::Check& check) {
  const bool binds = check.id.ends_with(".report_data") || check.id.ends_with(".user_data") ||
                     check.id == "tpm.nonce";
  return binds && check.outcome == attest::Outcome::kFail;
}

// 1. The evidence is acceptable, and vouches for this connection.
Result<attest::VerifiedClaims> check_evidence(const attest::ExchangeReply& reply,
                                              const attest::ReportData& expected,
                                              const VerifyOptions& options) {
  if (reply.evidence.kind == attest::EvidenceKind::kSimulated &&
      !options.policy.tee.accept_simulated) {
    return fail(Kind::kRefused,
                "the server runs in simulated mode, without a trusted environment: nothing "
                "protects the input from its host (a policy may allow simulated servers, for "
                "trying things out)");
  }
  const Digest binder = sha256(expected.view());  // a TPM takes no 64 bytes
  const attest::Verdict verdict =
      attest::verify(reply.evidence, reply.endorsements, options.policy.tee,
                     {.report_data = expected, .qualifying_data = {binder.begin(), binder.end()}},
                     options.clock());
  auto claims = attest::VerifiedClaims::of(verdict);
  if (claims || !std::ranges::any_of(verdict.checks, is_of_another_connection)) return claims;
  return with_context(claims.error(), "the evidence is not of this connection");
}

// 2. The statement, which the evidence vouches for, is a server's, and claims no more than that.
Result<> check_statement(const attest::ExchangeReply& reply, const attest::Statement& statement) {
  const std::string_view mode = attest::kind_class(reply.evidence.kind);
  if (statement.role == "server" && statement.mode == mode) return {};
  return fail(Kind::kRefused, "the statement is of a {} in mode '{}', want a server in mode '{}'",
              printable(statement.role), printable(statement.mode), mode);
}

// 3. The manifest is the one that the statement names, signed by whom the policy trusts. Before it
// is parsed.
Result<> check_manifest_bytes(const attest::ExchangeReply& reply,
                              const attest::Statement& statement, const TrustPolicy& policy) {
  const std::string digest = to_hex(sha256(as_bytes(reply.manifest_json)));
  if (digest != statement.manifest_sha256) {
    return fail(Kind::kRefused, "the manifest has SHA-256 {}, the statement says {}", digest,
                statement.manifest_sha256);
  }
  if (!policy.manifest_sha256.empty() && digest != policy.manifest_sha256) {
    return fail(Kind::kRefused, "the server has the bundle with manifest {}, want {}", digest,
                policy.manifest_sha256);
  }
  if (policy.signers.empty()) return {};
  if (reply.manifest_signature.empty()) {
    return fail(Kind::kRefused, "the bundle is not signed");
  }
  TRY_OK(minisign::verify(as_bytes(reply.manifest_json), reply.manifest_signature, policy.signers));
  return {};
}

// 5. Files handed over are those of the manifest.
Result<> check_files(const ServerFacts& facts) {
  for (const auto& [name, text] : facts.files) {
    const bundle::Entry* const entry = facts.manifest.entry(name);
    if (entry == nullptr || entry->sha256 != to_hex(sha256(as_bytes(text)))) {
      return fail(Kind::kRefused, "'{}' is not the file that the manifest lists", printable(name));
    }
  }
  return {};
}

Result<ServerFacts> judge(attest::ExchangeReply reply, const attest::ReportData& expected,
                          const VerifyOptions& options) {
  TRY(environment, check_evidence(reply, expected, options));
  TRY(statement, attest::parse_statement(reply.statement_json));
  TRY_OK(check_statement(reply, statement));
  TRY_OK(check_manifest_bytes(reply, statement, options.policy));
  TRY(manifest, bundle::parse_manifest(reply.manifest_json));
  // 4. The bundle is not an old one.
  if (manifest.version < options.policy.min_version) {
    return fail(Kind::kRefused, "the bundle has version {}, want {} or later", manifest.version,
                options.policy.min_version);
  }
  ServerFacts facts{.environment = environment,
                    .statement = std::move(statement),
                    .manifest = std::move(manifest),
                    .signature_checked = !options.policy.signers.empty(),
                    .files = std::move(reply.files)};
  TRY_OK(check_files(facts));
  return facts;
}

}  // namespace

Result<std::unique_ptr<VerifiedConnection>> VerifiedConnection::open(const net::Url& url,
                                                                     const VerifyOptions& options) {
  if (!url.tls) return fail(Kind::kUsage, "'{}': want https", net::url_text(url));
  TRY(connection, net::Connection::open(url, options.client, options.limit));
  attest::ExchangeRequest request{.files = options.files};
  TRY_OK(random_bytes(request.nonce.bytes));
  TRY(reply, ask(*connection, request, options.limit));

  TRY(exported, connection->channel().exported_key(attest::kExporterLabel, request.nonce.view()));
  TRY(key, connection->channel().server_key_sha256());
  TRY(expected, attest::report_data(attest::Role::kServer, key, request.nonce, exported,
                                    reply.statement_json));
  auto facts = judge(std::move(reply), expected, options);
  if (!facts) return refused(std::move(facts.error()));
  return std::unique_ptr<VerifiedConnection>(
      new VerifiedConnection(std::move(connection), std::move(*facts)));
}

}  // namespace cloister::serve
