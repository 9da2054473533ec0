// The protocol's handler without sockets, and whoever answers its jobs: at once, as a test says.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "serving/v2.h"
#include "tests/support/fake_program.h"
#include "tests/support/net.h"
#include "tests/support/oip.h"

namespace cloister::test {

using Json = nlohmann::json;

inline constexpr const char* kInferTarget = "/v2/models/m/infer";
inline constexpr const char* kGood =
    R"({"id":"7","inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}]})";

struct Got {
  unsigned status = 0;
  net::Fields fields;
  std::string body;

  Json json() const { return Json::parse(body, nullptr, false); }
  std::string error() const {
    const Json parsed = json();
    return parsed.is_object() && parsed.contains("error") && parsed.size() == 1
               ? parsed["error"].get<std::string>()
               : "no error object: " + body;
  }
};

class V2 : public testing::Test {
 protected:
  Got ask(const std::string& method, const std::string& target, const std::string& body = "",
          net::Fields fields = {}) {
    net::Request request{.method = method, .target = target, .fields = std::move(fields)};
    request.body = shared_body(body);
    request.memory = memory_;
    std::optional<Got> got;
    const net::Handler handler =
        serving::v2_handler(model(), {.server = {"s", "1", {"e"}}}, metrics_);
    handler(std::move(request), [&](net::Response response) {
      EXPECT_FALSE(got) << "answered twice";
      got = {response.status, response.fields, text_of(response)};
    });
    EXPECT_TRUE(got) << "not answered";
    return got.value_or(Got());
  }

  Got infer(const std::string& body, net::Fields fields = {}) {
    return ask("POST", kInferTarget, body, std::move(fields));
  }

  // kGood with more members in front.
  Got infer_with(const std::string& members) {
    return infer("{" + members + "," + std::string(kGood).substr(1));
  }

  void expect_refused(const Got& got, unsigned status, const std::string& part) {
    EXPECT_EQ(got.status, status) << got.body;
    EXPECT_THAT(got.error(), testing::HasSubstr(part));
    EXPECT_EQ(*got.fields.find("Content-Type"), "application/json");
    EXPECT_FALSE(job_) << "handed on";
  }

  serving::V2Model model() {
    return {.name = "m",
            .version = "3",
            .platform = "p",
            .inputs = {{"x", DType::kF32, {-1, 2}}},
            .outputs = {{"y", DType::kF32, {-1, 2}}, {"z", DType::kI64, {-1}}},
            .max_batch = 4,
            .parameters = {{"mode", std::string("simulated")}},
            .ready = [this] { return ready_; },
            .submit =
                [this](serving::Job job) {
                  auto done = std::move(job.done);
                  job_ = std::move(job);
                  done(outcome_);
                }};
  }

  static serving::Answer answer(float y, bool non_finite = false) {
    return {.outputs = {floats({1, 2}, {y, 2}), tensor_of<int64_t>(DType::kI64, {1}, {9})},
            .non_finite = non_finite};
  }

  std::shared_ptr<net::BodyBudget> memory_;
  serving::Metrics metrics_;
  Result<> ready_;
  Result<serving::Answer> outcome_ = answer(1);
  std::optional<serving::Job> job_;  // the last one submitted
};

}  // namespace cloister::test
