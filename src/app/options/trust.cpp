#include "app/options/trust.h"

#include <cstdio>

#include "base/file.h"
#include "cli/program.h"
#include "cli/read_keys.h"

namespace cloister {
namespace {

constexpr uint64_t kMaxPem = 1 << 20;

Result<std::string> read_token(const std::string& path) {
  constexpr uint64_t kMaxBytes = 4096;
  TRY(text, read_file(path, kMaxBytes));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty() || text.find_first_of(" \r\n\t") != std::string::npos) {
    return invalid("'{}': want exactly one bearer token", printable(path, 400));
  }
  return text;
}

}  // namespace

void TrustOptions::add_policy_to(CLI::App& command) {
  auto* const whole =
      command
          .add_option("--policy", policy,
                      "trust-policy.json: which environments, whose bundles and which audits are "
                      "accepted (docs/formats/trust-policy.md); without it no trusted "
                      "environment is accepted, since each must be named")
          ->type_name("FILE");
  command
      .add_flag("--allow-simulated", allow_simulated,
                "without --policy: accept a server without a trusted environment, for "
                "experiments only: its host sees every input")
      ->excludes(whole);
  command
      .add_option("--signer", signers,
                  "without --policy: minisign public key (file or text), one of which must have "
                  "signed the bundle (repeatable); without it the signature is not "
                  "checked")
      ->type_name("KEY")
      ->allow_extra_args(false)
      ->excludes(whole);
  command
      .add_option("--min-version", min_version, "without --policy: oldest bundle version to accept")
      ->type_name("N")
      ->excludes(whole);
  command.add_option("--manifest", manifest_sha256, "without --policy: accept this bundle only")
      ->type_name("SHA256")
      ->excludes(whole);
}

void TrustOptions::add_to(CLI::App& command) {
  command.add_option("URL", url, "the server: https://HOST:PORT")->required()->type_name("URL");
  add_policy_to(command);
  add_connection_to(command);
}

void TrustOptions::add_connection_to(CLI::App& command) {
  command
      .add_option("--ca", ca,
                  "PEM file of the authority that must have issued the server's certificate "
                  "for its name (cloisterd --tls-cert), in addition to the evidence; without it "
                  "the certificate "
                  "only serves to bind the evidence")
      ->type_name("FILE");
  auto* const cert_option =
      command.add_option("--cert", cert, "PEM client certificate")->type_name("FILE");
  auto* const key_option = command.add_option("--key", key, "its PEM key")->type_name("FILE");
  cert_option->needs(key_option);
  key_option->needs(cert_option);
  command.add_option("--token-file", token_file, "file with the bearer token to send")
      ->type_name("FILE");
}

Result<attest::TrustPolicy> TrustOptions::read_policy() const {
  if (!policy.empty()) return attest::read_trust_policy(policy);
  attest::TrustPolicy out{.tee = {.accept_simulated = allow_simulated},
                          .bundle = {.min_version = min_version},
                          .audit = {.accept_unaudited = true}};
  TRY(keys, read_signers(signers));
  out.bundle.signers = std::move(keys);
  if (!manifest_sha256.empty()) {
    const auto read = attest::from_string(manifest_sha256, out.bundle.manifests.emplace_back());
    if (!read) return fail(Kind::kUsage, "--manifest: {}", read.error().message);
  }
  out.bundle.accept_any_signer = out.bundle.signers.empty() && out.bundle.manifests.empty();
  return out;
}

Result<TrustOptions::Read> TrustOptions::read() const {
  Read out;
  TRY(parsed, typed(net::parse_url(url)));
  if (!parsed.tls) {
    return fail(Kind::kUsage, "'{}': want https://, since inputs are sent there", printable(url));
  }
  if (!parsed.path.empty() && parsed.path != "/") {
    return fail(Kind::kUsage, "'{}': want https://HOST:PORT, without a path", printable(url));
  }
  out.url = std::move(parsed);
  TRY(trust, read_policy());
  out.verify.policy = std::move(trust);
  out.verify.client.trust = net::ClientOptions::Trust::kCallerChecks;
  if (!ca.empty()) {
    TRY(pem, read_file(ca, kMaxPem));
    out.verify.client.trust = net::ClientOptions::Trust::kCaPem;
    out.verify.client.ca_pem = std::move(pem);
  }
  if (!cert.empty()) {
    TRY(cert_pem, read_file(cert, kMaxPem));
    TRY(key_pem, read_file(key, kMaxPem));
    out.verify.client.identity = net::TlsIdentity{std::move(cert_pem), std::move(key_pem)};
  }
  if (!token_file.empty()) {
    TRY(token, read_token(token_file));
    out.token = std::move(token);
  }
  return out;
}

void warn_about(const serving::ServerFacts& facts) {
  const std::string_view protects = attest::kind_class(facts.environment->kind);
  if (protects == "simulated") {
    fmt::print(stderr, "warning: the server is simulated: nothing protects inputs from its host\n");
  } else if (protects == "tpm") {
    fmt::print(stderr, "warning: a TPM vouches only for the boot: the host can read inputs\n");
  }
  if (!facts.signature_checked && !facts.bundle_pinned) {
    fmt::print(stderr,
               "warning: the bundle's signer was not checked (bundle.signers of a --policy, or "
               "--signer)\n");
  }
  if (!facts.audit_checked) {
    fmt::print(stderr,
               "warning: the cut's leakage was not checked (audit.leakage of a --policy)\n");
  }
}

}  // namespace cloister
