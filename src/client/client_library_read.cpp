// <cloister/client.h>: its callers' words to what the client works with, and back.
#include <algorithm>

#include "client/client_library.h"
#include "image/labels.h"
#include "net/tls_context.h"

namespace cloister::client {
inline namespace v1 {
namespace {

constexpr std::chrono::hours kLongestLimit{24 * 365};
constexpr int kMostConnections = 1024;

// What would end the header field early must not get into it; the token itself is not repeated.
cloister::Result<> check_token(const std::string& token) {
  if (!token.empty() && std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; })) {
    return {};
  }
  return invalid("bearer_token: want letters, digits and signs, without spaces or line ends");
}

cloister::Result<net::ClientOptions> read_client(const OptionsData& options) {
  net::ClientOptions client{.trust = net::ClientOptions::Trust::kCallerChecks,
                            .identity = options.identity,
                            .max_body_bytes = options.max_answer_bytes};
  if (options.ca_pem) {
    client.trust = net::ClientOptions::Trust::kCaPem;
    client.ca_pem = *options.ca_pem;
  }
  // Made once for nothing, to know whose fault it is if it can't be made.
  TRY_OK(net::make_client_context(client));
  return client;
}

std::vector<TensorSpec> specs_of(const std::vector<cloister::TensorSpec>& specs) {
  std::vector<TensorSpec> out;
  for (const cloister::TensorSpec& spec : specs) {
    out.push_back({spec.name, static_cast<DType>(spec.dtype), spec.dims});
  }
  return out;
}

cloister::Result<attest::TrustPolicy> read_whole(const PolicyData& policy) {
  const bool alone = !policy.environments && policy.signers.empty() && !policy.manifest_sha256 &&
                     policy.min_version == 0 && !policy.allow_any_bundle && !policy.allow_simulated;
  if (!alone)
    return invalid("trust_policy_json() is a complete policy: nothing else may be given with it");
  return attest::parse_trust_policy(*policy.whole);
}

}  // namespace

cloister::Result<net::Seconds> read_limit(std::string_view name, std::chrono::milliseconds limit) {
  if (limit.count() <= 0) return invalid("{}: {} ms, want more than 0", name, limit.count());
  return std::min<std::chrono::milliseconds>(limit, kLongestLimit);
}

cloister::Result<attest::TrustPolicy> read_policy(const PolicyData& policy) {
  if (policy.whole) return read_whole(policy);
  // The audit is asked for by a whole policy only.
  attest::TrustPolicy out{.bundle = {.min_version = policy.min_version},
                          .audit = {.accept_unaudited = true}};
  if (policy.environments) {
    auto parsed = attest::parse_policy(*policy.environments);
    if (!parsed) return with_context(parsed.error(), "environments_json");
    out.tee = std::move(*parsed);
  }
  if (policy.allow_simulated) out.tee.accept_simulated = true;
  if (!policy.environments && !policy.allow_simulated) {
    return invalid("the policy accepts no trusted environment: name some with environments_json()");
  }
  if (const auto checked = attest::check_policy(out.tee); !checked) {
    return with_context(checked.error(), "environments_json");
  }
  for (size_t i = 0; i < policy.signers.size(); ++i) {
    auto key = minisign::parse_public_key(policy.signers[i]);
    if (!key) return with_context(key.error(), fmt::format("signer {}", i + 1));
    out.bundle.signers.push_back(*key);
  }
  if (policy.manifest_sha256) {
    const auto read =
        attest::from_string(*policy.manifest_sha256, out.bundle.manifests.emplace_back());
    if (!read) return with_context(read.error(), "manifest_sha256");
  }
  if (out.bundle.signers.empty() && out.bundle.manifests.empty()) {
    out.bundle.accept_any_signer = policy.allow_any_bundle;
    if (policy.allow_any_bundle) return out;
    return invalid(
        "the policy names neither a signer nor a manifest, so anybody's model would be accepted: "
        "call allow_any_bundle() to accept that");
  }
  return out;
}

cloister::Result<serving::PoolOptions> read_options(std::string_view url, const PolicyData& policy,
                                                    const OptionsData& options) {
  serving::PoolOptions out;
  TRY(parsed, net::parse_url(url));
  if (!parsed.tls) return invalid("URL '{}': want https://", printable(url));
  if (!parsed.path.empty() && parsed.path != "/") {
    return invalid("URL '{}': want https://HOST:PORT and no path", printable(url));
  }
  parsed.path.clear();
  out.server = std::move(parsed);
  TRY(trust, read_policy(policy));
  out.verify.policy = std::move(trust);
  TRY(client, read_client(options));
  out.verify.client = std::move(client);
  out.verify.files = {"labels.txt", "preprocess.json"};
  TRY(limit, read_limit("connect_timeout", options.connect_timeout));
  out.verify.limit = limit;
  if (options.token) TRY_OK(check_token(*options.token));
  if (options.max_connections < 1 || options.max_connections > kMostConnections) {
    return invalid("max_connections: {}, want 1 to {}", options.max_connections, kMostConnections);
  }
  out.connections = static_cast<size_t>(options.max_connections);
  TRY(age, read_limit("verify_every", std::clamp<std::chrono::seconds>(
                                          options.verify_every, -kLongestLimit, kLongestLimit)));
  out.verify_every = age;
  return out;
}

cloister::Result<FactsData> facts_of(const serving::ServerFacts& facts) {
  const attest::EvidenceKind kind = facts.environment->kind;
  // By the evidence, whatever the server calls itself.
  FactsData out{.evidence_kind = std::string(attest::to_string(kind)),
                .mode = std::string(attest::kind_class(kind)),
                .manifest_sha256 = facts.statement.manifest_sha256,
                .signature_checked = facts.signature_checked,
                .audit_checked = facts.audit_checked,
                .model_name = facts.manifest.model_name,
                .model_version = facts.manifest.version,
                .max_batch = facts.manifest.max_batch,
                .inputs = specs_of(facts.manifest.inputs),
                .outputs = specs_of(facts.manifest.outputs)};
  if (const auto file = facts.files.find("labels.txt"); file != facts.files.end()) {
    TRY(labels, parse_labels(file->second));
    out.labels = std::move(labels);
  }
  if (const auto file = facts.files.find("preprocess.json"); file != facts.files.end()) {
    out.preprocess_json = file->second;
  }
  return out;
}

}  // namespace v1
}  // namespace cloister::client
