#include "client/proxy.h"

#include <future>
#include <mutex>
#include <nlohmann/json.hpp>

#include "tests/support/attested_server.h"
#include "tests/support/oip.h"
#include "tests/support/patience.h"

namespace cloister::serving {
namespace {

using test::Sealed;
using test::value_of;
using testing::HasSubstr;
using Json = nlohmann::json;

class Proxies : public testing::Test {
 protected:
  static const Sealed& sealed() {
    static const Sealed made({});  // all trusted: no worker
    return made;
  }

  void start_server(std::optional<std::vector<Client>> clients = std::nullopt) {
    TrustedServerParts parts = sealed().parts({});
    parts.clients = std::move(clients);
    server_ = value_of(TrustedServer::start(sealed().open(), std::move(parts)));
  }
  ProxyOptions options() const {
    return {
        .server = test::url_of(*server_), .verify = sealed().verify_options(), .connections = 2};
  }
  net::Response ask(const Proxy& proxy, const net::Request& request, const std::string& body = "") {
    const net::Url url{.host = "127.0.0.1", .port = proxy.port()};
    const auto connection = value_of(net::Connection::open(url, {}, cloister::test::kPatience));
    return value_of(
        connection->exchange(request, {net::shared_text(body)}, cloister::test::kPatience));
  }

  static constexpr const char* kTarget = "/v2/models/small/infer";
  static constexpr const char* kBody =
      R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]})";
  std::unique_ptr<TrustedServer> server_;
};

TEST_F(Proxies, HandOnWhatIsAskedAndAnswered) {
  start_server();
  const auto proxy = value_of(Proxy::start(options()));
  EXPECT_EQ(proxy->facts().manifest.model_name, "small");
  EXPECT_EQ(ask(*proxy, {.target = "/v2/health/ready"}).status, 200U);
  const net::Response json = ask(*proxy, {.method = "POST", .target = kTarget}, kBody);
  EXPECT_EQ(json.status, 200U) << test::text_of(json);
  const Json answer = Json::parse(test::text_of(json));
  const Tensor want = sealed().expected(test::floats({1, 4}, {1, 2, 3, 4}));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(answer["outputs"][0]["data"][i].get<float>(), want.as<float>()[i], 1e-5);
  }
  EXPECT_EQ(answer["parameters"]["mode"], "simulated");

  // Binary both ways: the fields that say so go along.
  oip::InferRequest request{.id = "7", .inputs = {{"x", test::some_rows(2, 1)}}};
  const auto message = value_of(oip::write_infer_request(request, oip::Encoding::kBinary));
  const net::Response binary =
      ask(*proxy,
          {.method = "POST",
           .target = kTarget,
           .fields = {{oip::kHeaderLengthField, std::to_string(message.json.size())}}},
          test::body_text(message));
  ASSERT_EQ(binary.status, 200U) << test::text_of(binary);
  const auto reply =
      value_of(oip::parse_infer_response(test::shared_body(test::text_of(binary)),
                                         std::stoul(*binary.fields.find(oip::kHeaderLengthField))));
  EXPECT_EQ(reply.id, "7");
  EXPECT_EQ(reply.outputs.at(0).tensor.shape(), (Shape{2, 3}));
}

TEST_F(Proxies, HandOnErrorsAsTheyAre) {
  start_server();
  const auto proxy = value_of(Proxy::start(options()));
  EXPECT_EQ(ask(*proxy, {.target = "/nothing"}).status, 404U);
  EXPECT_EQ(ask(*proxy, {.method = "POST", .target = kTarget}, "{").status, 400U);
  const net::Response method = ask(*proxy, {.target = kTarget});
  EXPECT_EQ(method.status, 405U);
  EXPECT_EQ(*method.fields.find("Allow"), "POST");
  const net::Response compressed =
      ask(*proxy, {.method = "POST", .target = kTarget, .fields = {{"Content-Encoding", "gzip"}}},
          kBody);
  EXPECT_EQ(compressed.status, 415U);
  EXPECT_EQ(*compressed.fields.find("Accept-Encoding"), "identity");
  const net::Response twice =
      ask(*proxy,
          {.method = "POST",
           .target = kTarget,
           .fields = {{oip::kHeaderLengthField, "9"}, {oip::kHeaderLengthField, "10"}}},
          kBody);
  EXPECT_EQ(twice.status, 400U);
  EXPECT_THAT(test::text_of(twice), HasSubstr("2 times"));
}

// What clients of other people send: each as it is, on one connection.
TEST_F(Proxies, TakeAllOfHttp1) {
  start_server();
  const auto proxy = value_of(Proxy::start(options()));
  const std::string own = fmt::format("127.0.0.1:{}", proxy->port());
  test::RawSocket socket = test::RawSocket::to(proxy->port());
  const std::string requests[] = {
      "GET /v2/health/live HTTP/1.2\r\nHost: " + own + "\r\n\r\n",
      "\r\nGET /v2/health/live HTTP/1.1\r\nHost: " + own + "\r\n\r\n",
      "GET http://" + own + "/v2/health/live HTTP/1.1\r\nHost: " + own + "\r\n\r\n",
      "GET http://" + own + "/v2/health/live HTTP/1.1\r\nHost: evil.example\r\n\r\n",
  };
  for (const std::string& request : requests) {
    socket.send(request);
    const std::string response = socket.read_response();
    EXPECT_THAT(response, testing::StartsWith("HTTP/1.1 200 ")) << request;
    EXPECT_THAT(response, testing::EndsWith(R"({"live":true})"));
    EXPECT_THAT(response, HasSubstr("\r\nDate: "));
  }
  socket.send("HEAD /v2/health/live HTTP/1.1\r\nHost: " + own + "\r\n\r\n");
  EXPECT_THAT(socket.read_until("\r\n\r\n"), testing::AllOf(testing::StartsWith("HTTP/1.1 200 "),
                                                            HasSubstr("Content-Length: 13\r\n")));
  socket.send("GET http://evil.example/v2/health/live HTTP/1.1\r\nHost: " + own + "\r\n\r\n");
  EXPECT_THAT(socket.read_response(), testing::StartsWith("HTTP/1.1 421 "))
      << "the target's authority counts";
}

TEST_F(Proxies, HandOnStatistics) {
  start_server();
  const auto proxy = value_of(Proxy::start(options()));
  EXPECT_EQ(ask(*proxy, {.method = "POST", .target = kTarget}, kBody).status, 200U);
  for (const char* target : {"/v2/models/small/stats", "/v2/models/stats"}) {
    const Json all = Json::parse(test::text_of(ask(*proxy, {.target = target})));
    const Json& stats = all.at("model_stats").at(0);
    EXPECT_EQ(stats["name"], "small");
    EXPECT_EQ(stats["inference_count"], 1);
    EXPECT_EQ(stats["execution_count"], 1);
    EXPECT_EQ(stats["inference_stats"]["queue"]["count"], 1);
    EXPECT_GT(stats["inference_stats"]["compute_infer"]["ns"], 0);
  }
}

TEST_F(Proxies, AnswerNoWebPagesOfOthers) {
  start_server();
  ProxyOptions known = options();
  known.hosts = {"proxy.lan"};
  const auto proxy = value_of(Proxy::start(known));
  const auto status = [&](const std::string& host, const net::Fields& more = {}) {
    net::Request request{.method = "POST", .target = kTarget, .fields = more};
    request.fields.push_back({"Host", fmt::format("{}:{}", host, proxy->port())});
    return ask(*proxy, request, kBody).status;
  };
  EXPECT_EQ(status("localhost"), 200U);
  EXPECT_EQ(status("proxy.lan"), 200U);
  EXPECT_EQ(status("evil.example"), 421U);
  EXPECT_EQ(status("localhost", {{"Origin", "http://evil.example"}}), 403U);
  const std::string page = fmt::format("http://proxy.lan:{}", proxy->port());
  EXPECT_EQ(status("localhost", {{"Origin", page}}), 200U);
  const net::Response refused = ask(*proxy, {.fields = {{"Host", "evil.example"}}});
  EXPECT_THAT(test::text_of(refused), HasSubstr("Host is 'evil.example'"));
  known.hosts = {"http://proxy.lan"};
  test::expect_error(Proxy::start(known), Kind::kUsage, "'http://proxy.lan' is not a host");
}

TEST_F(Proxies, ShowTheirTokenUnlessAClientHasItsOwn) {
  start_server(
      std::vector<Client>{{.name = "a", .token_sha256 = to_hex(sha256(as_bytes("secret")))}});
  ProxyOptions with_token = options();
  with_token.token = "secret";
  const auto proxy = value_of(Proxy::start(with_token));
  EXPECT_EQ(ask(*proxy, {.target = "/v2/models/small"}).status, 200U);
  const net::Response other =
      ask(*proxy, {.target = "/v2/models/small", .fields = {{"Authorization", "Bearer other"}}});
  EXPECT_EQ(other.status, 401U);
  EXPECT_EQ(*other.fields.find("WWW-Authenticate"), "Bearer");
  const auto without = value_of(Proxy::start(options()));
  EXPECT_EQ(ask(*without, {.target = "/v2/models/small"}).status, 401U);
}

TEST_F(Proxies, DoNotStartBeforeAServerThatIsRefused) {
  start_server();
  ProxyOptions strict = options();
  strict.verify.policy.tee.accept_simulated = false;
  test::expect_error(Proxy::start(strict), Kind::kRefused, "simulated mode");
  server_.reset();
  strict.server.port = 1;
  test::expect_error(Proxy::start(strict), Kind::kUnavailable, "127.0.0.1");
}

TEST_F(Proxies, SendNothingToWhoeverComesAfterwards) {
  start_server();
  const uint16_t port = server_->port();
  const auto proxy = value_of(Proxy::start(options()));
  ASSERT_EQ(ask(*proxy, {.target = "/v2"}).status, 200U);
  server_.reset();
  const net::Response gone = ask(*proxy, {.method = "POST", .target = kTarget}, kBody);
  EXPECT_EQ(gone.status, 503U);
  EXPECT_EQ(*gone.fields.find("Retry-After"), "1");
  // Someone else on the same address, with a bundle of another signer.
  const Sealed other({});
  TrustedServerParts parts = other.parts({});
  parts.config.listen = fmt::format("127.0.0.1:{}", port);
  const auto impostor = value_of(TrustedServer::start(other.open(), std::move(parts)));
  const net::Response refused = ask(*proxy, {.method = "POST", .target = kTarget}, kBody);
  EXPECT_EQ(refused.status, 502U) << test::text_of(refused);
  EXPECT_THAT(test::text_of(refused), HasSubstr("error"));
}

TEST_F(Proxies, AcceptNoOlderBundleLater) {
  const Sealed renewed({}, 5);
  VerifyOptions verify = renewed.verify_options();
  verify.policy.bundle = {.accept_any_signer = true};
  std::atomic<bool> old = false;
  const test::AttestedServer server(
      [&, newer = test::honest_exchange(renewed), older = test::honest_exchange(sealed())](
          const net::Request& request) { return old ? older(request) : newer(request); });
  const auto proxy = value_of(Proxy::start({.server = server.url(),
                                            .verify = verify,
                                            .connections = 1,
                                            .verify_every = net::Seconds(0)}));
  EXPECT_EQ(ask(*proxy, {.target = "/x"}).status, 200U);
  old = true;
  const net::Response refused = ask(*proxy, {.target = "/x"});
  EXPECT_EQ(refused.status, 502U);
  EXPECT_THAT(test::text_of(refused), HasSubstr("bundle.version: 1, want 5 or later"));
}

TEST_F(Proxies, HoldOnToTheNewestBundleSeen) {
  const Sealed newest({}, 5);
  const Sealed middle({}, 3);
  VerifyOptions verify = newest.verify_options();
  verify.policy.bundle = {.accept_any_signer = true};
  std::atomic<int> version = 1;
  const test::AttestedServer server(
      [&, one = test::honest_exchange(sealed()), three = test::honest_exchange(middle),
       five = test::honest_exchange(newest)](const net::Request& request) {
        return version == 1 ? one(request) : version == 3 ? three(request) : five(request);
      });
  const auto proxy = value_of(Proxy::start({.server = server.url(),
                                            .verify = verify,
                                            .connections = 1,
                                            .verify_every = net::Seconds(0)}));
  version = 5;
  EXPECT_EQ(ask(*proxy, {.target = "/x"}).status, 200U);
  version = 3;  // newer than at first
  EXPECT_THAT(test::text_of(ask(*proxy, {.target = "/x"})),
              HasSubstr("bundle.version: 3, want 5 or later"));
}

// Waiting for a connection counts as waiting for the answer; and nothing is sent once nobody waits.
TEST_F(Proxies, WaitNoLongerThanTheyMay) {
  const auto evidence = test::evidence_of(sealed());
  std::atomic<int> sent = 0;
  std::mutex mutex;
  std::vector<net::Respond> held;
  const auto server = value_of(net::Server::start(
      {.tls = test::AttestedServer::identity()}, [&](net::Request request, net::Respond respond) {
        if (request.target == attest::kExchangeTarget) {
          return evidence->answer(request, std::move(respond));
        }
        ++sent;
        const std::scoped_lock lock(mutex);
        held.push_back(std::move(respond));
      }));
  ProxyOptions narrow{.server = {.tls = true, .host = "127.0.0.1", .port = server->port()},
                      .verify = sealed().verify_options()};
  narrow.connections = 1;
  narrow.limit = net::Seconds(0.3);
  const auto proxy = value_of(Proxy::start(narrow));
  std::vector<std::future<unsigned>> statuses;
  for (int i = 0; i < 4; ++i) {
    statuses.push_back(
        std::async(std::launch::async, [&] { return ask(*proxy, {.target = "/x"}).status; }));
  }
  for (auto& status : statuses) EXPECT_EQ(status.get(), 504U);
  EXPECT_LE(sent, 2);
}

TEST_F(Proxies, AreBusyWhenTooManyWait) {
  start_server();
  ProxyOptions narrow = options();
  narrow.queue = 0;
  const auto proxy = value_of(Proxy::start(narrow));
  const net::Response busy = ask(*proxy, {.target = "/v2"});
  EXPECT_EQ(busy.status, 503U);
  EXPECT_THAT(test::text_of(busy), HasSubstr("busy"));
}

}  // namespace
}  // namespace cloister::serving
