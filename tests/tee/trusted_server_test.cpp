#include "tee/trusted_server.h"

#include <future>

#include "client/client.h"
#include "tests/support/patience.h"
#include "tests/support/served_model.h"

namespace cloister::serving {
namespace {

using serving::Seconds;
using std::chrono_literals::operator""s;
using test::expect_error;
using test::Sealed;
using test::some_rows;
using test::value_of;
using testing::HasSubstr;

std::unique_ptr<VerifiedConnection> connect(const Sealed& sealed, const TrustedServer& server) {
  return value_of(VerifiedConnection::open(test::url_of(server), sealed.verify_options()));
}

Result<Tensor> ask(VerifiedConnection& connection, const Tensor& x,
                   const InferOptions& options = {}) {
  TRY(outputs, infer(connection, {{"x", x}}, options));
  return outputs[0].tensor;
}

void expect_same(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  const auto difference = compare(got.view(), want.view());
  ASSERT_TRUE(difference);
  EXPECT_LE(difference->relative(), 1e-6);
}

std::string metrics_of(const TrustedServer& server) {
  const net::Url url{.host = "127.0.0.1", .port = server.metrics_port()};
  const auto connection = value_of(net::Connection::open(url, {}, cloister::test::kPatience));
  const auto response = value_of(
      connection->exchange({.method = "GET", .target = "/metrics"}, {}, cloister::test::kPatience));
  return std::string(as_text(response.body.at(0).bytes));
}

class Plans : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Plans, GiveTheWholeModelsAnswer) {
  const Sealed sealed(GetParam());
  const auto worker = GetParam().empty() ? nullptr : sealed.start_worker();
  const auto server = value_of(TrustedServer::start(
      sealed.open(), sealed.parts(worker ? std::vector{worker->port()} : std::vector<uint16_t>())));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  const auto connection = connect(sealed, *server);
  for (const int64_t items : {1, 3, 8}) {
    const Tensor x = some_rows(items, 0.5);
    for (const auto encoding : {oip::Encoding::kBinary, oip::Encoding::kJson}) {
      const auto got = ask(*connection, x, {.encoding = encoding});
      ASSERT_TRUE(got) << got.error().message;
      expect_same(*got, sealed.expected(x));
    }
  }
  expect_error(ask(*connection, some_rows(9, 0)), Kind::kInvalid, "want 1 to 8 items");
}

INSTANTIATE_TEST_SUITE_P(TrustedServer, Plans,
                         testing::Values(std::vector<std::string>{}, std::vector<std::string>{"h1"},
                                         std::vector<std::string>{"h1", "h2"}),
                         [](const auto& plan) {
                           return plan.param.empty()       ? "AllTrusted"
                                  : plan.param.size() == 1 ? "HeadBody"
                                                           : "HeadBodyTail";
                         });

// Parsed on a thread of its own.
TEST(TrustedServer, TakesMuchJson) {
  const Sealed sealed({"h1"}, 1, 100'000);
  const auto worker = sealed.start_worker();
  const auto server = value_of(TrustedServer::start(sealed.open(), sealed.parts({worker->port()})));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  const auto connection = connect(sealed, *server);
  const Tensor x = some_rows(20'000, 0.5);
  const auto got = ask(*connection, x, {.encoding = oip::Encoding::kJson});
  ASSERT_TRUE(got) << got.error().message;
  expect_same(*got, sealed.expected(x));
  const auto few = ask(*connection, some_rows(1, 0), {.encoding = oip::Encoding::kJson});
  EXPECT_TRUE(few);
}

TEST(TrustedServer, ManyAskAtOnce) {
  const Sealed sealed({"h1"});
  const auto worker = sealed.start_worker();
  const auto server = value_of(TrustedServer::start(sealed.open(), sealed.parts({worker->port()})));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  std::vector<std::future<int>> wrong;
  for (int c = 0; c < 8; ++c) {
    wrong.push_back(std::async(std::launch::async, [&, c] {
      const auto connection = connect(sealed, *server);
      int bad = 0;
      for (int i = 0; i < 25; ++i) {
        const Tensor x = some_rows(1 + (i + c) % 3, static_cast<float>(c * 100 + i));
        const auto got = ask(*connection, x);
        const Tensor want = sealed.expected(x);
        if (!got || compare(got->view(), want.view())->relative() > 1e-6) ++bad;
      }
      return bad;
    }));
  }
  for (auto& bad : wrong) EXPECT_EQ(bad.get(), 0);
  EXPECT_THAT(metrics_of(*server), HasSubstr("cloister_requests_total{outcome=\"ok\"} 200"));
}

TEST(TrustedServer, WithoutAWorkerItSays503AndRecovers) {
  const Sealed sealed({"h1"});
  auto worker = sealed.start_worker();
  const uint16_t port = worker->port();
  const auto server = value_of(TrustedServer::start(sealed.open(), sealed.parts({port})));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  const auto connection = connect(sealed, *server);
  const Tensor x = some_rows(1, 1);
  ASSERT_TRUE(ask(*connection, x));
  worker.reset();
  expect_error(ask(*connection, x), Kind::kUnavailable, "worker");
  expect_error(ask(*connection, x), Kind::kUnavailable, "no worker is up");
  EXPECT_FALSE(server->ready());
  worker = sealed.start_worker(port);
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  expect_same(value_of(ask(*connection, x)), sealed.expected(x));
}

TEST(TrustedServer, ASecondWorkerStepsIn) {
  const Sealed sealed({"h1"});
  auto first = sealed.start_worker();
  const auto second = sealed.start_worker();
  const auto server =
      value_of(TrustedServer::start(sealed.open(), sealed.parts({first->port(), second->port()})));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  const auto connection = connect(sealed, *server);
  const Tensor x = some_rows(2, 1);
  ASSERT_TRUE(ask(*connection, x));
  first.reset();
  for (int i = 0; i < 5; ++i) expect_same(value_of(ask(*connection, x)), sealed.expected(x));
}

TEST(TrustedServer, SaysThatNoWorkerAnswers) {
  const Sealed sealed({"h1"});
  const auto server = value_of(TrustedServer::start(sealed.open(), sealed.parts({1})));
  const auto connection = connect(sealed, *server);
  expect_error(ask(*connection, some_rows(1, 1)), Kind::kUnavailable, "no worker is up");
}

TEST(TrustedServer, OnlyKnownClientsMayAsk) {
  const Sealed sealed({});
  TrustedServerParts parts = sealed.parts({});
  parts.clients =
      std::vector<Client>{{.name = "a", .token_sha256 = to_hex(sha256(as_bytes("secret")))},
                          {.name = "b",
                           .token_sha256 = to_hex(sha256(as_bytes("rarely"))),
                           .requests_per_second = 0.001,
                           .burst = 2}};
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  const Tensor x = some_rows(1, 1);
  const auto try_token = [&](const std::string& token) {
    const auto connection = connect(sealed, *server);
    return ask(*connection, x, {.token = token});
  };
  expect_error(try_token(""), Kind::kRefused, "a known bearer token");
  expect_error(try_token("wrong"), Kind::kRefused, "a known bearer token");
  EXPECT_TRUE(try_token("secret"));
  EXPECT_TRUE(try_token("rarely"));
  EXPECT_TRUE(try_token("rarely"));
  expect_error(try_token("rarely"), Kind::kUnavailable, "this client's rate limit is exceeded");
}

TEST(TrustedServer, AnAuthorityOfClientsIsAskedForWithoutAListToo) {
  const Sealed sealed({});
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto client = value_of(net::make_tls_identity({"client"}, now));
  TrustedServerParts parts = sealed.parts({});
  parts.client_ca_pem = client.certificate_pem;
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  const Tensor x = some_rows(1, 1);
  expect_error(ask(*connect(sealed, *server), x), Kind::kRefused, "client certificate is needed");
  VerifyOptions verify = sealed.verify_options();
  verify.client.identity = client;
  const auto known = value_of(VerifiedConnection::open(test::url_of(*server), verify));
  EXPECT_TRUE(ask(*known, x));
}

TEST(TrustedServer, MayHaveACertificateOfItsOwners) {
  const Sealed sealed({});
  const auto tls = value_of(net::make_tls_identity(
      {"127.0.0.1"}, std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  TrustedServerParts parts = sealed.parts({});
  parts.tls = tls;
  const auto known = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  const auto other = value_of(TrustedServer::start(sealed.open(), sealed.parts({})));
  VerifyOptions verify = sealed.verify_options();
  verify.client.trust = net::ClientOptions::Trust::kCaPem;
  verify.client.ca_pem = tls.certificate_pem;
  const auto open = [&](const TrustedServer& server) {
    return VerifiedConnection::open({.tls = true, .host = "127.0.0.1", .port = server.port()},
                                    verify);
  };
  EXPECT_TRUE(open(*known));
  expect_error(open(*other), Kind::kRefused, "certificate refused");
}

// They would hold the room that clients need.
TEST(TrustedServer, WhoIsUnknownSendsNoLargeBodies) {
  const Sealed sealed({});
  TrustedServerParts parts = sealed.parts({});
  parts.clients = std::vector<Client>{};
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  for (const char* target : {"/cloister/v1/attestation", "/v2/health/live"}) {
    const auto connection = value_of(net::Connection::open(
        {.tls = true, .host = "127.0.0.1", .port = server->port()},
        {.trust = net::ClientOptions::Trust::kCallerChecks}, net::Seconds(20)));
    const auto response =
        connection->exchange({.method = "POST", .target = target},
                             {net::shared_text(std::string(20'000, ' '))}, net::Seconds(20));
    EXPECT_EQ(value_of(response).status, 413U) << target;
  }
}

TEST(TrustedServer, WrongKeysAreRefused) {
  const Sealed sealed({"h1"});
  TrustedServerParts parts = sealed.parts({1});
  parts.identities.clear();
  parts.identities.push_back(value_of(age::Identity::generate()));
  const auto refused = TrustedServer::start(sealed.open(), std::move(parts));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kRefused);
}

TEST(TrustedServer, ResultsAreCheckedInside) {
  const Sealed sealed({"h1"});
  const auto honest = sealed.start_worker();
  TrustedServerParts parts = sealed.parts({honest->port()});
  parts.config.verify_rate = 1;
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  const auto connection = connect(sealed, *server);
  ASSERT_TRUE(ask(*connection, some_rows(1, 1)));
  EXPECT_THAT(metrics_of(*server), HasSubstr("cloister_checks_total{result=\"match\"} 1"));
}

TEST(TrustedServer, ALyingWorkerIsCaughtAndItsAnswerNotPassedOn) {
  const Sealed sealed({"h1"});
  // A worker whose body gives zeros.
  const bundle::Bundle bundle = sealed.open();
  const auto& body = bundle.manifest().segments.at(1);
  auto liar = value_of(WorkerServer::start(
      std::make_unique<test::FakeProgram>(
          body.inputs, body.outputs,
          [](const std::vector<TensorView>& in) -> Result<std::vector<Tensor>> {
            TRY(zeros, Tensor::make(DType::kF32, {in[0].shape[0], 3}));
            return std::vector{zeros};
          }),
      body.inputs, body.outputs,
      {.listen = "127.0.0.1:0", .model = "small", .version = "1", .max_batch = 8}));
  TrustedServerParts parts = sealed.parts({liar->port()});
  parts.config.verify_rate = 1;
  parts.config.verify_stops = true;
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  const auto connection = connect(sealed, *server);
  const Tensor x = some_rows(1, 1);
  expect_same(value_of(ask(*connection, x)), sealed.expected(x));
  EXPECT_THAT(metrics_of(*server), HasSubstr("cloister_checks_total{result=\"mismatch\"} 1"));
  expect_error(ask(*connection, x), Kind::kUnavailable, "stopped");
}

TEST(TrustedServer, DrainAnswersWhatItHas) {
  const Sealed sealed({"h1"});
  const auto worker = sealed.start_worker();
  auto server = value_of(TrustedServer::start(sealed.open(), sealed.parts({worker->port()})));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));
  const auto connection = connect(sealed, *server);
  ASSERT_TRUE(ask(*connection, some_rows(1, 1)));
  server->drain(Seconds(10));
  EXPECT_FALSE(ask(*connection, some_rows(1, 1)));
  server.reset();
}

}  // namespace
}  // namespace cloister::serving
