// What a caller can give wrong, and servers that its policy does not accept.
#include "tests/client/client_library.h"

namespace cloister::client {
namespace {

using std::chrono_literals::operator""ms;
using test::EvidenceServer;
using test::Sealed;
using test::value_of;

TEST(ClientLibrary, RefusesServersThatThePolicyDoesNotAccept) {
  const Sealed sealed({}, 3);
  const EvidenceServer server(sealed, [](const net::Request&) { return net::Response{}; });
  const auto connect_with = [&](const TrustPolicy& policy) {
    return VerifiedServer::connect(net::url_text(server.url()), policy);
  };
  const std::string signer = sealed.signer.public_key.text();
  const std::string other = value_of(minisign::generate_key()).public_key.text();
  const std::string digest = sealed.open().manifest_sha256();
  constexpr auto kCode = ErrorCode::kNotTrusted;
  const std::string enclave = R"({"sgx": {"mr_enclaves": [")" + std::string(64, 'e') + R"("]}})";
  expect_error(connect_with(TrustPolicy().add_signer(signer).environments_json(enclave)), kCode,
               "simulated mode");
  expect_error(connect_with(TrustPolicy().add_signer(other).allow_simulated()), kCode,
               "signed by key");
  const TrustPolicy good = policy_of(sealed);
  expect_error(connect_with(TrustPolicy(good).min_version(4)), kCode,
               "bundle.version: 3, want 4 or later");
  expect_error(connect_with(TrustPolicy(good).manifest_sha256(std::string(64, 'A'))), kCode,
               "want " + std::string(64, 'a'));
  EXPECT_TRUE(connect_with(TrustPolicy(good).min_version(3)));
  EXPECT_TRUE(connect_with(TrustPolicy().manifest_sha256(digest).allow_simulated()));
  const auto any = connect_with(TrustPolicy().allow_any_bundle().allow_simulated());
  ASSERT_TRUE(any);
  EXPECT_FALSE(any->facts().signature_checked());
  EXPECT_EQ(server.others, 0) << "something was sent to a server that was not accepted";
}

TEST(ClientLibrary, TakesAWholePolicy) {
  const Sealed sealed({}, 3);
  const EvidenceServer server(sealed, [](const net::Request&) { return net::Response{}; });
  const auto under = [&](attest::TrustPolicy whole, const TrustPolicy& beside = {}) {
    return VerifiedServer::connect(net::url_text(server.url()),
                                   TrustPolicy(beside).trust_policy_json(policy_json(whole)));
  };
  attest::TrustPolicy whole = sealed.verify_options().policy;
  const auto accepted = under(whole);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_TRUE(accepted->facts().signature_checked());
  EXPECT_FALSE(accepted->facts().audit_checked());
  whole.audit = {.leakage = audit::default_policy(audit::Metric::kSsim)};
  const auto audited = under(whole);
  ASSERT_TRUE(audited) << "all of it is trusted: there is nothing to audit";
  EXPECT_TRUE(audited->facts().audit_checked());
  whole.configs = {{}};
  expect_error(under(whole), ErrorCode::kNotTrusted, "(policy: configs, line ");
  expect_error(under(whole, TrustPolicy().min_version(1)), ErrorCode::kInvalidArgument,
               "nothing else may be given with it");
  expect_error(
      VerifiedServer::connect("https://127.0.0.1:1", TrustPolicy().trust_policy_json("{}")),
      ErrorCode::kInvalidArgument, "trust policy: ");
}

TEST(ClientLibrary, RefusesArgumentsThatMeanNothing) {
  const std::string url = "https://127.0.0.1:1";
  const TrustPolicy any = TrustPolicy().allow_any_bundle().allow_simulated();
  const auto refused = [](const Result<VerifiedServer>& result, const std::string& part) {
    expect_error(result, ErrorCode::kInvalidArgument, part);
  };
  const auto with = [&](const Options& options) {
    return VerifiedServer::connect(url, any, options);
  };
  const auto under = [&](const TrustPolicy& policy) {
    return VerifiedServer::connect(url, policy);
  };
  refused(under(TrustPolicy().allow_any_bundle()), "no trusted environment: name");
  refused(under(TrustPolicy(any).environments_json("{")), "environments_json: ");
  refused(under(TrustPolicy(any).environments_json(R"({"snp": {}})")), "snp.measurements");
  refused(under(TrustPolicy().allow_simulated()), "allow_any_bundle");
  refused(under(TrustPolicy(any).add_signer("RW")), "signer 1: public key");
  refused(under(TrustPolicy(any).manifest_sha256("12")), "manifest_sha256");
  refused(VerifiedServer::connect("http://127.0.0.1:1", any), "want https");
  refused(VerifiedServer::connect(url + "/v2", any), "no path");
  refused(VerifiedServer::connect("host", any), "URL 'host'");
  refused(with(Options().ca_pem("")), "certificate authorities: no certificate");
  refused(with(Options().client_certificate("", "")), "TLS certificate");
  refused(with(Options().bearer_token("a\r\nb: c")), "bearer_token");
  refused(with(Options().bearer_token("")), "bearer_token");
  refused(with(Options().connect_timeout(0ms)), "connect_timeout");
  refused(with(Options().infer_timeout(-5ms)), "infer_timeout");
  refused(with(Options().max_connections(0)), "max_connections: 0, want 1 to 1024");
  refused(with(Options().verify_every(std::chrono::seconds::min())), "verify_every");
  expect_error(with(Options().connect_timeout(std::chrono::milliseconds::max())),
               ErrorCode::kUnavailable, "127.0.0.1");
}

TEST(ClientLibrary, RefusesACertificateOfAnotherAuthority) {
  const Sealed sealed({});
  const auto server = start(sealed);
  const auto other = value_of(net::make_tls_identity({"127.0.0.1"}, 1'700'000'000));
  const auto client = VerifiedServer::connect(url_of(server->port()), policy_of(sealed),
                                              Options().ca_pem(other.certificate_pem));
  expect_error(client, ErrorCode::kNotTrusted, "certificate refused");
}

TEST(ClientLibrary, RefusesServersThatAreNoneOfOurs) {
  const Sealed sealed({});
  const net::ServerOptions options{.tls = value_of(net::make_tls_identity({"a"}, 1'700'000'000))};
  const auto web = value_of(net::Server::start(options, [](net::Request, net::Respond respond) {
    respond(net::text_response(200, "text/html", "<p>Hello"));
  }));
  const auto at = [&](uint16_t port) {
    return VerifiedServer::connect(url_of(port), policy_of(sealed));
  };
  expect_error(at(web->port()), ErrorCode::kNotTrusted, "evidence");
  const auto plain = value_of(net::Server::start({}, nullptr));
  expect_error(at(plain->port()), ErrorCode::kUnavailable, "TLS");
  expect_error(at(1), ErrorCode::kUnavailable, "127.0.0.1");
}

}  // namespace
}  // namespace cloister::client
