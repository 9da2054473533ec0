// The public API, as an application sees it, against the real server.
#include "tests/client/client_library.h"

#include <array>
#include <future>

namespace cloister::client {
namespace {

using std::chrono_literals::operator""ms;
using test::EvidenceServer;
using test::Sealed;
using test::value_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<float> some_values(int64_t items, float seed) {
  const auto rows = test::some_rows(items, seed);
  return test::floats_of(rows);
}

// The largest difference between an answer and what the whole model says.
float error_of(const Sealed& sealed, const std::vector<Tensor>& outputs, int64_t items,
               const std::vector<float>& values) {
  const auto want = test::floats_of(sealed.expected(test::floats({items, 4}, values)));
  const auto got = outputs.at(0).as<float>().value();
  if (got.size() != want.size()) return INFINITY;
  float worst = 0;
  for (size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(got[i] - want[i]));
  return worst;
}

TEST(ClientLibrary, TellsWhatWasVerified) {
  const Sealed sealed({}, 7);
  const auto server = start(sealed);
  const ServerFacts facts = connect(sealed, *server).facts();
  EXPECT_EQ(facts.evidence_kind(), "simulated");
  EXPECT_EQ(facts.mode(), "simulated");
  EXPECT_EQ(facts.manifest_sha256(), sealed.open().manifest_sha256());
  EXPECT_TRUE(facts.signature_checked());
  EXPECT_EQ(facts.model_name(), "small");
  EXPECT_EQ(facts.model_version(), 7U);
  EXPECT_EQ(facts.max_batch(), 8);
  ASSERT_EQ(facts.inputs().size(), 1U);
  EXPECT_EQ(facts.inputs()[0].name, "x");
  EXPECT_EQ(facts.inputs()[0].dtype, DType::kF32);
  EXPECT_THAT(facts.inputs()[0].dims, ElementsAre(-1, 4));
  ASSERT_EQ(facts.outputs().size(), 1U);
  EXPECT_EQ(facts.outputs()[0].name, "y");
  EXPECT_THAT(facts.outputs()[0].dims, ElementsAre(-1, 3));
  EXPECT_THAT(facts.labels(), ElementsAre("one", "two", "three"));
  EXPECT_THAT(facts.preprocess_json(), IsEmpty());
}

TEST(ClientLibrary, GivesTheModelsAnswers) {
  const Sealed sealed({"h1"});
  const auto worker = sealed.start_worker();
  const auto server = start(sealed, worker.get());
  const VerifiedServer client = connect(sealed, *server);
  for (const int64_t items : {1, 3, 8, 9, 20}) {
    const std::vector<float> values = some_values(items, 0.5);
    for (const Tensor& x : {Tensor::view<float>("x", {items, 4}, values),
                            Tensor::own<float>("x", {items, 4}, values)}) {
      const auto outputs = client.infer({x});
      ASSERT_TRUE(outputs) << outputs.error().message;
      ASSERT_EQ(outputs->size(), 1U);
      EXPECT_EQ(outputs->at(0).name(), "y");
      EXPECT_THAT(outputs->at(0).shape(), ElementsAre(items, 3));
      EXPECT_LT(error_of(sealed, *outputs, items, values), 1e-5);
      expect_error(outputs->at(0).as<double>(), ErrorCode::kInvalidArgument, "f32, not f64");
    }
  }
}

TEST(ClientLibrary, RefusesInputsThatDoNotFit) {
  const Sealed sealed({});
  const auto server = start(sealed);
  const VerifiedServer client = connect(sealed, *server);
  const std::vector<float> values(36);
  const std::vector<double> doubles(4);
  const auto infer = [&](const std::vector<Tensor>& inputs) { return client.infer(inputs); };
  constexpr auto kCode = ErrorCode::kInvalidArgument;
  expect_error(infer({}), kCode, "input 'x' (f32[?,4]) is missing");
  expect_error(infer({Tensor::view<float>("z", {9, 4}, values)}), kCode, "no input 'z'");
  expect_error(infer({Tensor::view<float>("x", {12, 3}, values)}), kCode,
               "got f32[12,3], want f32[?,4]");
  expect_error(infer({Tensor::view<double>("x", {1, 4}, doubles)}), kCode,
               "got f64[1,4], want f32[?,4]");
  expect_error(infer({Tensor::view<float>("x", {8, 4}, values)}), kCode,
               "input 'x': f32 [8,4] has 144 bytes, want 128");
  expect_error(infer({Tensor::view<float>("x", {-9, 4}, values)}), kCode, "negative dimension");
  expect_error(infer({Tensor("x", DType{99}, {4}, {})}), kCode, "type 99 is not known");
  expect_error(infer({Tensor::view<float>("x", {0, 4}, std::span<const float>())}), kCode,
               "want no dimension of 0");
  expect_error(client.infer({Tensor::view<float>("x", {9, 4}, values)}, 0ms), kCode, "limit");
}

TEST(ClientLibrary, ShowsItsToken) {
  const Sealed sealed({});
  auto parts = sealed.parts({});
  parts.clients = {{.name = "a", .token_sha256 = to_hex(sha256(as_bytes("secret")))}};
  const auto server = value_of(serving::TrustedServer::start(sealed.open(), std::move(parts)));
  const std::vector<float> values = some_values(1, 0);
  const std::vector<Tensor> inputs = {Tensor::view<float>("x", {1, 4}, values)};
  expect_error(connect(sealed, *server).infer(inputs), ErrorCode::kDenied, "bearer token");
  EXPECT_TRUE(connect(sealed, *server, Options().bearer_token("secret")).infer(inputs));
}

TEST(ClientLibrary, ConnectsAndVerifiesAgainWhenTheServerWasRestarted) {
  const Sealed sealed({});
  auto server = start(sealed);
  const uint16_t port = server->port();
  const VerifiedServer client = connect(sealed, *server);
  const std::vector<float> values = some_values(2, 1);
  const std::vector<Tensor> inputs = {Tensor::view<float>("x", {2, 4}, values)};
  ASSERT_TRUE(client.infer(inputs));
  server.reset();
  expect_error(client.infer(inputs), ErrorCode::kUnavailable, "127.0.0.1");
  server = start(sealed, nullptr, port);
  const auto outputs = client.infer(inputs);
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_LT(error_of(sealed, *outputs, 2, values), 1e-5);
}

TEST(ClientLibrary, SendsNothingToAServerThatHasAnotherBundleByNow) {
  const Sealed sealed({});
  auto server = start(sealed);
  const uint16_t port = server->port();
  const TrustPolicy policy = TrustPolicy().allow_any_bundle().allow_simulated();
  const auto client = VerifiedServer::connect(url_of(port), policy).value();
  const std::vector<float> values = some_values(1, 1);
  const std::vector<Tensor> inputs = {Tensor::view<float>("x", {1, 4}, values)};
  ASSERT_TRUE(client.infer(inputs));
  server.reset();
  const Sealed newer({}, 2);
  server = start(newer, nullptr, port);
  expect_error(client.infer(inputs), ErrorCode::kServerChanged, newer.open().manifest_sha256());
  EXPECT_TRUE(VerifiedServer::connect(url_of(port), policy).value().infer(inputs));
}

TEST(ClientLibrary, DoesNotBelieveAnAnswerThatIsNotTheModels) {
  const Sealed sealed({});
  std::string text;
  unsigned status = 200;
  const EvidenceServer server(sealed, [&](const net::Request&) {
    return net::text_response(status, "application/json", text);
  });
  const auto client =
      VerifiedServer::connect(net::url_text(server.url()), policy_of(sealed)).value();
  const std::vector<float> values(4);
  const auto infer = [&] { return client.infer({Tensor::view<float>("x", {1, 4}, values)}); };
  constexpr auto kCode = ErrorCode::kServerError;
  text = "nonsense";
  expect_error(infer(), kCode, "JSON");
  text = R"({"model_name":"small","outputs":[]})";
  expect_error(infer(), kCode, "a reply to request ''");
  status = 500;
  text = R"({"error":"\u001b[31mbroken"})";
  expect_error(infer(), kCode, "status 500: \\x1b[31mbroken");
}

TEST(ClientLibrary, MayBeUsedByManyThreads) {
  const Sealed sealed({"h1"});
  const auto worker = sealed.start_worker();
  const auto server = start(sealed, worker.get());
  const VerifiedServer client = connect(sealed, *server, Options().max_connections(3));
  std::vector<std::future<int>> wrong;
  for (int t = 0; t < 8; ++t) {
    wrong.push_back(std::async(std::launch::async, [&, t] {
      int bad = 0;
      for (int i = 0; i < 20; ++i) {
        const int64_t items = 1 + (i + t) % 3;
        const std::vector<float> values = some_values(items, static_cast<float>(t * 100 + i));
        const auto outputs = client.infer({Tensor::view<float>("x", {items, 4}, values)});
        if (!outputs || error_of(sealed, *outputs, items, values) > 1e-5F) ++bad;
      }
      return bad;
    }));
  }
  for (auto& bad : wrong) EXPECT_EQ(bad.get(), 0);
}

TEST(ClientLibrary, GivesUpWhenTimeIsOver) {
  const Sealed sealed({});
  std::promise<void> release;
  const EvidenceServer server(sealed, [&](const net::Request&) {
    release.get_future().wait();
    return net::Response{};
  });
  const auto client =
      VerifiedServer::connect(net::url_text(server.url()), policy_of(sealed)).value();
  const std::vector<float> values(4);
  const auto answer = client.infer({Tensor::view<float>("x", {1, 4}, values)}, 20ms);
  release.set_value();
  expect_error(answer, ErrorCode::kDeadline, "127.0.0.1");
}

TEST(ClientLibrary, ThrowsForThoseWhoPreferThat) {
  try {
    VerifiedServer::connect("host", {}).value();
    FAIL() << "did not throw";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(failure.what(), HasSubstr("invalid argument: URL 'host'"));
  }
}

TEST(ClientLibrary, TensorsShareOrOwnTheirElements) {
  const std::array<int64_t, 2> numbers = {4, 5};
  const auto view = Tensor::view<int64_t>("n", {2}, numbers);
  EXPECT_EQ(view.bytes().data(), reinterpret_cast<const std::byte*>(numbers.data()));
  Tensor copy = Tensor::own<int64_t>("n", {2}, {4, 5});
  copy = Tensor(copy);
  EXPECT_EQ(copy.as<int64_t>().value()[1], 5);
  EXPECT_EQ(name_of(copy.dtype()), "i64");
  static_assert(!std::is_copy_constructible_v<VerifiedServer>);
  static_assert(!std::is_default_constructible_v<VerifiedServer>);
}

}  // namespace
}  // namespace cloister::client
