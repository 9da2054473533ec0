// Somebody else's server as a worker: one written from the protocol's specification alone.
#include <nlohmann/json.hpp>

#include "client/client.h"
#include "tests/support/background.h"
#include "tests/support/net.h"
#include "tests/support/patience.h"
#include "tests/support/served_model.h"

namespace cloister::serving {
namespace {

using test::Arguments;
using test::Background;
using test::Sealed;
using test::value_of;
using Json = nlohmann::json;

// A matrix of small numbers.
std::vector<float> weights(int64_t rows, int64_t columns, float seed) {
  std::vector<float> values;
  for (int64_t i = 0; i < rows * columns; ++i) {
    values.push_back(std::sin(seed + static_cast<float>(i)) / 4);
  }
  return values;
}

Json layer(int64_t rows, int64_t columns, float seed, bool relu) {
  const std::vector<float> values = weights(rows, columns, seed);
  Json matrix = Json::array();
  for (int64_t r = 0; r < rows; ++r) {
    const auto from = values.begin() + r * columns;
    matrix.push_back(std::vector<float>(from, from + columns));
  }
  return {{"weights", matrix}, {"relu", relu}};
}

// x f32[N,4] -> h [N,8] | -> [N,6] -> y [N,3], and h -> z [N,2].
Graph two_outputs() {
  test::TestGraph b;
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t columns, float seed) {
    const std::vector<float> values = weights(rows, columns, seed);
    return b.initializer(name,
                         zoo::make_tensor<float>({rows, columns}, std::span<const float>(values)));
  };
  b.f32("x", {zoo::Dimension("N"), 4});
  b.op("a", "MatMul", {"x", matrix("w0", 4, 8, 0)});
  b.op("h", "Relu", {"a"});
  b.op("b", "MatMul", {"h", matrix("w1", 8, 6, 1)});
  b.op("c", "Relu", {"b"});
  b.op("y", "MatMul", {"c", matrix("w2", 6, 3, 2)});
  b.op("z", "MatMul", {"h", matrix("w3", 8, 2, 3)});
  b.outputs({"y", "z"});
  Graph graph = b.build();
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  return graph;
}

Json body_record() {
  return {{"name", "body"},
          {"input", "h"},
          {"width", 8},
          {"outputs",
           {{"y", {layer(8, 6, 1, true), layer(6, 3, 2, false)}}, {"z", {layer(8, 2, 3, false)}}}}};
}

class StandIn : public testing::Test {
 protected:
  // The server on a port of its own.
  Background& start(const Json& record, const Arguments& flags) {
    EXPECT_TRUE(write_file(folder_ / "model.json", record.dump()));
    Arguments arguments = {(fs::path(CLOISTER_TEST_DATA) / "../support/v2_stand_in.py").string(),
                           (folder_ / "model.json").string()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return stand_in_.emplace(CLOISTER_PYTHON, arguments, folder_.path(), "stand-in");
  }

  test::TempDir folder_;
  std::optional<Background> stand_in_;
};

Endpoint at(uint16_t port) {
  return {.url = {.host = "127.0.0.1", .port = port, .path = "/v2/models/body"}};
}

class StandIns : public StandIn, public testing::WithParamInterface<Arguments> {};

TEST_P(StandIns, AreWorkersLikeOurs) {
  const Sealed sealed({"h"}, 1, 8, two_outputs());
  TrustedServerParts parts = sealed.parts({});
  parts.workers = {at(start(body_record(), GetParam()).port())};
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience)) << stand_in_->err();
  const auto connection =
      value_of(VerifiedConnection::open(test::url_of(*server), sealed.verify_options()));
  const auto engine = value_of(make_onnxruntime());
  const auto whole = value_of(load_cut_model(*engine, sealed.graph));
  for (const int64_t items : {1, 3, 8}) {
    const Tensor x = test::some_rows(items, 0.25);
    const auto got = infer(*connection, {{"x", x}}, {});
    ASSERT_TRUE(got) << got.error().message << stand_in_->err();
    const auto want = value_of(whole.run({{"x", x}}));
    ASSERT_EQ(got->size(), 2U);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ((*got)[i].name, want[i].name);
      ASSERT_EQ((*got)[i].tensor.shape(), want[i].tensor.shape());
      EXPECT_LE(compare((*got)[i].tensor.view(), want[i].tensor.view())->relative(), 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Servers, StandIns,
    testing::Values(Arguments{}, Arguments{"--triton"}, Arguments{"--extras"},
                    Arguments{"--reversed"}, Arguments{"--json-outputs"}, Arguments{"--close"},
                    Arguments{"--triton", "--extras", "--reversed", "--json-outputs"}),
    [](const auto& flags) {
      std::string name = flags.param.empty() ? "Plain" : "";
      for (std::string flag : flags.param) {
        std::erase(flag, '-');
        name += flag;
      }
      return name;
    });

TEST_F(StandIn, WithAnotherModelIsNotAsked) {
  Json record = body_record();
  record["outputs"]["z"] = {layer(8, 5, 3, false)};
  const Sealed sealed({"h"}, 1, 8, two_outputs());
  TrustedServerParts parts = sealed.parts({});
  parts.workers = {at(start(record, {}).port())};
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  EXPECT_FALSE(test::wait_ready(*server, serving::Seconds(0.3)));
}

TEST_F(StandIn, WithoutBinaryTensorsIsNotAsked) {
  const Sealed sealed({"h"}, 1, 8, two_outputs());
  TrustedServerParts parts = sealed.parts({});
  parts.workers = {at(start(body_record(), {"--json-only"}).port())};
  const auto server = value_of(TrustedServer::start(sealed.open(), std::move(parts)));
  EXPECT_TRUE(test::eventually([&] {
    const Result<> ready = server->ready();
    return !ready && ready.error().message.contains("one refuses all inference requests");
  }));
}

// It must refuse what is wrong, or its agreement would mean little.
TEST_F(StandIn, IsStrict) {
  const net::Url url{.host = "127.0.0.1", .port = start(body_record(), {}).port()};
  const auto post = [&](const std::string& body, net::Fields fields) {
    const auto connection = value_of(net::Connection::open(url, {}, cloister::test::kPatience));
    return value_of(connection->exchange(
        {.method = "POST", .target = "/v2/models/body/infer", .fields = std::move(fields)},
        {net::shared_text(body)}, cloister::test::kPatience));
  };
  const std::string input =
      R"({"name":"h","datatype":"FP32","shape":[1,8],"data":[1,2,3,4,5,6,7,8]})";
  const net::Fields json = {{"Content-Type", "application/json"}};
  EXPECT_EQ(post(R"({"inputs":[)" + input + "]}", json).status, 200U);
  EXPECT_EQ(post(R"({"inputs":[)" + input + "]}", {{"Content-Type", "text/plain"}}).status, 400U);
  EXPECT_EQ(post(R"({"inputs":[)" + input + R"(],"model":"m"})", json).status, 400U);
  EXPECT_EQ(post(R"({"inputs":[)" + input + R"(],"outputs":[{"name":"w"}]})", json).status, 400U);
  EXPECT_EQ(
      post(R"({"inputs":[)" + input + "]} ", {{"Content-Type", "application/octet-stream"}}).status,
      400U);
}

}  // namespace
}  // namespace cloister::serving
