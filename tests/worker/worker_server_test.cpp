#include "worker/worker_server.h"

#include <nlohmann/json.hpp>

#include "tests/support/fake_program.h"
#include "tests/support/net.h"

namespace cloister::serving {
namespace {

using test::value_of;
using testing::HasSubstr;
using Json = nlohmann::json;

class Workers : public testing::Test {
 protected:
  Workers() {
    // A body that does not like negative values.
    const TensorSpec in{"h", DType::kF32, {-1, 2}};
    const TensorSpec out{"y", DType::kF32, {-1, 2}};
    auto program = std::make_unique<test::FakeProgram>(
        std::vector{in}, std::vector{out},
        [](const std::vector<TensorView>& inputs) -> Result<std::vector<Tensor>> {
          std::vector<float> values;
          for (const float value : inputs[0].as<float>()) {
            if (value < 0) return invalid("index out of range");
            values.push_back(value + 1);
          }
          return std::vector{test::floats(inputs[0].shape, values)};
        });
    worker_ = value_of(WorkerServer::start(std::move(program), {in}, {out},
                                           {.listen = "127.0.0.1:0",
                                            .metrics_listen = "127.0.0.1:0",
                                            .engine = "fake",
                                            .model = "m",
                                            .version = "7",
                                            .max_batch = 2,
                                            .batch_delay_us = delay_us_}));
  }

  net::Response ask(const std::string& method, const std::string& target,
                    const std::string& body = "") {
    const net::Url url{.host = "127.0.0.1", .port = worker_->port()};
    const auto connection = value_of(net::Connection::open(url, {}, net::Seconds(20)));
    return value_of(connection->exchange({.method = method, .target = target},
                                         {net::shared_text(body)}, net::Seconds(20)));
  }
  net::Response infer(const std::string& values) {
    return ask(
        "POST", "/v2/models/m/infer",
        R"({"inputs":[{"name":"h","datatype":"FP32","shape":[1,2],"data":)" + values + "}]}");
  }

  static constexpr uint64_t delay_us_ = 300'000;  // that of a batch which is not full
  std::unique_ptr<WorkerServer> worker_;
};

TEST_F(Workers, SpeakTheProtocol) {
  EXPECT_EQ(ask("GET", "/v2/health/ready").status, 200U);
  const Json metadata = Json::parse(test::text_of(ask("GET", "/v2/models/m")));
  EXPECT_EQ(metadata["platform"], "fake");
  EXPECT_EQ(metadata["versions"], Json::array({"7"}));
  const net::Response answer = infer("[1,2]");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(Json::parse(test::text_of(answer))["outputs"][0]["data"], Json::array({2, 3}));
  EXPECT_EQ(infer("[1]").status, 400U);
  EXPECT_NE(worker_->metrics_port(), 0);
}

TEST_F(Workers, LetNoRequestSpoilAnother) {
  net::Response bad;
  std::thread other([&] { bad = infer("[-1,2]"); });
  const net::Response good = infer("[1,2]");
  other.join();
  EXPECT_EQ(good.status, 200U) << test::text_of(good);
  EXPECT_EQ(bad.status, 400U);
  EXPECT_THAT(test::text_of(bad), HasSubstr("index out of range"));
}

}  // namespace
}  // namespace cloister::serving
