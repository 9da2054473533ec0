#include "serving/v2.h"

#include <limits>

#include "tests/serving/v2_fixture.h"

namespace cloister::serving {
namespace {

using V2 = test::V2;
using serving::Answer;
using test::floats;
using test::Got;
using test::Json;
using test::kGood;
using test::kInferTarget;
using testing::HasSubstr;

TEST_F(V2, DescribesItself) {
  for (const char* target : {"/v2", "/v2/", "/v2/?x"}) {
    EXPECT_EQ(ask("GET", target).json(),
              Json::parse(R"({"name":"s","version":"1","extensions":["e"]})"));
  }
  EXPECT_EQ(ask("GET", "/v2/health/live").json(), Json::parse(R"({"live":true})"));
  EXPECT_EQ(ask("GET", "/v2/health/ready").json(), Json::parse(R"({"ready":true})"));
  EXPECT_EQ(ask("GET", "/v2/models/m/ready").json(), Json::parse(R"({"name":"m","ready":true})"));
  const Json metadata = Json::parse(R"({"name":"m","versions":["3"],"platform":"p",
    "inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],
    "outputs":[{"name":"y","datatype":"FP32","shape":[-1,2]},
               {"name":"z","datatype":"INT64","shape":[-1]}]})");
  for (const char* target : {"/v2/models/m", "/v2/models/m/versions/3", "/v2/models/%6d?x=y"}) {
    const Got got = ask("GET", target);
    EXPECT_EQ(got.status, 200U) << target;
    EXPECT_EQ(got.json(), metadata) << target;
    EXPECT_EQ(*got.fields.find("Content-Type"), "application/json");
  }
}

TEST_F(V2, SaysWhenItIsNotReady) {
  ready_ = fail(Kind::kUnavailable, "no worker is up");
  for (const char* target : {"/v2/health/ready", "/v2/models/m/ready"}) {
    const Got got = ask("GET", target);
    expect_refused(got, 503, "no worker is up");
    EXPECT_EQ(*got.fields.find("Retry-After"), "1");
  }
  EXPECT_EQ(ask("GET", "/v2/health/live").status, 200U);
}

TEST_F(V2, KnowsItsRoutesAndNoOthers) {
  struct Case {
    const char* method;
    const char* target;
    unsigned status;
    const char* part;
  };
  const Case cases[] = {
      {"GET", "/", 404, "no '/' here"},
      {"GET", "/v2//", 404, "no '/v2//' here"},
      {"GET", "/v2/health/live/", 404, "no '/v2/health/live/' here"},
      {"GET", "/v2/models/other/stats", 404, "no model 'other'"},
      {"GET", "/v2/models/m/versions/4/stats", 404, "no version '4'"},
      {"GET", "/v2/health", 404, "no '/v2/health' here"},
      {"GET", "/v2/models", 404, "no '/v2/models' here"},
      {"GET", "/v2/models/m/config", 404, "config"},
      {"GET", "/v2/models/m/infer/", 404, "infer"},
      {"GET", "/v2/models/other", 404, "no model 'other'; this server has 'm'"},
      {"GET", "/v2/models/other/ready", 404, "no model 'other'"},
      {"POST", "/v2/models/other/infer", 404, "no model 'other'"},
      {"GET", "/v2/models/m/versions/4", 404, "no version '4'; this server has '3'"},
      {"POST", "/v2/models/m/versions/4/infer", 404, "no version '4'"},
      {"GET", "/v2/models//ready", 400, "the model's name is empty"},
      {"GET", "/v2/models/%zz", 400, "two hexadecimal digits"},
      {"GET", "/v2/models/%00", 400, "NUL"},
      {"GET", "/v2/models/%ff", 400, "UTF-8"},
      {"GET", "/v2/repository/index", 404, "no '/v2/repository/index' here"},
      {"GET", kInferTarget, 405, "want POST"},
      {"HEAD", "/v2", 405, "want GET"},
      {"POST", "/v2/health/live", 405, "want GET"},
      {"DELETE", "/v2/models/m", 405, "want GET"},
      {"POST", "/v2/models/stats", 405, "want GET"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.method) + " " + c.target);
    const Got got = ask(c.method, c.target, kGood);
    expect_refused(got, c.status, c.part);
    EXPECT_EQ(got.fields.count("Allow"), c.status == 405 ? 1U : 0U);
    if (c.status == 405) {
      const bool get = std::string(c.part).ends_with("GET");
      EXPECT_EQ(*got.fields.find("Allow"), get ? "GET, HEAD" : "POST");
    }
  }
}

TEST_F(V2, AnswersInJson) {
  const Got got = infer(kGood);
  EXPECT_EQ(got.status, 200U);
  EXPECT_EQ(*got.fields.find("Content-Type"), "application/json");
  EXPECT_EQ(got.fields.count(oip::kHeaderLengthField), 0U);
  EXPECT_EQ(got.json(), Json::parse(R"({"model_name":"m","model_version":"3","id":"7",
    "parameters":{"mode":"simulated"},
    "outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[1,2]},
               {"name":"z","datatype":"INT64","shape":[1],"data":[9]}]})"));
  ASSERT_TRUE(job_);
  EXPECT_EQ(job_->items, 1);
  EXPECT_THAT(test::floats_of(job_->inputs[0]), testing::ElementsAre(1, 2));
  EXPECT_THAT(metrics_.text(), HasSubstr("cloister_requests_total{outcome=\"ok\"} 1\n"));
}

TEST_F(V2, GivesTheOutputsAskedForAsTheyWereAskedFor) {
  const Json one = infer_with(R"("outputs":[{"name":"z"}])").json();
  ASSERT_EQ(one["outputs"].size(), 1U);
  EXPECT_EQ(one["outputs"][0]["name"], "z");

  const Got mixed =
      infer_with(R"("outputs":[{"name":"z","parameters":{"binary_data":true}},{"name":"y"}])");
  EXPECT_EQ(*mixed.fields.find("Content-Type"), "application/octet-stream");
  const size_t length = std::stoul(*mixed.fields.find(oip::kHeaderLengthField));
  EXPECT_EQ(mixed.body.size(), length + 8);
  const Json head = Json::parse(mixed.body.substr(0, length), nullptr, false);
  for (const Json& output : head["outputs"]) {
    EXPECT_EQ(output.contains("data"), output["name"] == "y") << output;
  }

  const Got all = infer_with(R"("parameters":{"binary_data_output":true})");
  const auto parsed = oip::parse_infer_response(
      test::shared_body(all.body), std::stoul(*all.fields.find(oip::kHeaderLengthField)));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_TRUE(test::same_tensors(
      parsed->outputs,
      {{"y", floats({1, 2}, {1, 2})}, {"z", test::tensor_of<int64_t>(DType::kI64, {1}, {9})}}));
}

TEST_F(V2, LeavesRequestsAsMuchTimeAsTheyWant) {
  const auto limit_of = [&](const std::string& parameters) {
    job_.reset();
    const auto before = serving::Clock::now();
    EXPECT_EQ(infer_with(R"("parameters":{)" + parameters + "}").status, 200U);
    const std::chrono::duration<double> limit = job_->deadline - before;
    return limit.count();
  };
  EXPECT_NEAR(limit_of(R"("timeout":2000000)"), 2, 0.5);
  EXPECT_NEAR(limit_of(R"("timeout":9223372036854775807)"), 10, 0.5);
  EXPECT_NEAR(limit_of(R"("timeout":18446744073709551615)"), 10, 0.5);
  EXPECT_NEAR(limit_of(R"("priority":1)"), 10, 0.5);
  // As Triton's clients have them, which are unsigned.
  EXPECT_NEAR(limit_of(R"("sequence_id":18446744073709551615,"priority":9223372036854775813)"), 10,
              0.5);
  for (const char* timeout : {"0", "-1", "1.5", "\"1\"", "true"}) {
    job_.reset();
    expect_refused(infer_with(std::string(R"("parameters":{"timeout":)") + timeout + "}"), 400,
                   "'timeout': want a number of microseconds");
  }
}

TEST_F(V2, MapsWhatBecomesOfAJobToAStatus) {
  struct Case {
    Kind kind;
    unsigned status;
    const char* outcome;
  };
  const Case cases[] = {{Kind::kInvalid, 400, "invalid"},
                        {Kind::kUnsupported, 400, "unsupported"},
                        {Kind::kRefused, 403, "refused"},
                        {Kind::kNotFound, 404, "not_found"},
                        {Kind::kIo, 500, "io"},
                        {Kind::kInternal, 500, "internal"},
                        {Kind::kUnavailable, 503, "unavailable"},
                        {Kind::kDeadline, 504, "deadline"}};
  for (const Case& c : cases) {
    outcome_ = fail(c.kind, "because of \"this\"");
    const Got got = infer(kGood);
    EXPECT_EQ(got.status, c.status);
    EXPECT_EQ(got.error(), "because of \"this\"");
    EXPECT_EQ(got.fields.count("Retry-After"), c.status == 503 ? 1U : 0U);
    EXPECT_THAT(metrics_.text(), HasSubstr(fmt::format("outcome=\"{}\"}} 1\n", c.outcome)));
  }
}

TEST_F(V2, FlagsResultsThatAreNotFinite) {
  EXPECT_FALSE(infer(kGood).json()["parameters"].contains("non_finite"));
  outcome_ = answer(1, true);
  EXPECT_EQ(infer(kGood).json()["parameters"]["non_finite"], true);
  // What JSON can't say is no fault of the request's.
  outcome_ = answer(std::numeric_limits<float>::quiet_NaN(), true);
  const Got got = infer(kGood);
  EXPECT_EQ(got.status, 500U);
  EXPECT_THAT(got.error(), HasSubstr("output 'y': element 0 is not finite"));
  const Got binary = infer_with(R"("parameters":{"binary_data_output":true})");
  EXPECT_EQ(binary.status, 200U);
  EXPECT_THAT(binary.body, HasSubstr(R"("non_finite":true)"));
}

// JSON can't say the input either.
TEST_F(V2, SaysWhatToDoAboutResultsOfInputsThatAreNotFinite) {
  const auto ask_with = [&](float x, const std::string& members) {
    const std::vector<float> values = {x, 2};
    const std::string head =
        R"({)" + members +
        R"("inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]})";
    return infer(head + std::string(reinterpret_cast<const char*>(values.data()), 8),
                 {{oip::kHeaderLengthField, std::to_string(head.size())}});
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::string all_binary = R"("parameters":{"binary_data_output":true},)";
  outcome_ = answer(kNan);
  const Got got = ask_with(kNan, "");
  EXPECT_EQ(got.status, 400U);
  EXPECT_THAT(
      got.error(),
      HasSubstr(
          "output 'y': element 0 is not finite, which JSON can't represent: request binary data"));
  EXPECT_THAT(metrics_.text(), HasSubstr("outcome=\"invalid\"} 1\n"));
  EXPECT_EQ(ask_with(std::numeric_limits<float>::infinity(), "").status, 400U);
  EXPECT_EQ(ask_with(kNan, all_binary).status, 200U);
  EXPECT_EQ(ask_with(kNan, R"("outputs":[{"name":"z"}],)").status, 200U);
  EXPECT_EQ(
      ask_with(kNan, R"("outputs":[{"name":"z","parameters":{"binary_data":true}},{"name":"y"}],)")
          .status,
      400U);
  EXPECT_EQ(ask_with(1, "").status, 500U) << "no fault of the request's";
  outcome_ = answer(1);
  EXPECT_EQ(ask_with(kNan, "").status, 200U);
}

// Triton's statistics extension: what its clients ask for after every run.
TEST_F(V2, GivesStatistics) {
  serving::Metrics& metrics = metrics_;
  const net::Handler handler = serving::v2_handler(model(), {}, metrics);
  const auto call = [&](const std::string& method, const std::string& target,
                        const std::string& body = "") {
    net::Request request{.method = method, .target = target};
    request.body = test::shared_body(body);
    net::Response answered;
    handler(std::move(request), [&](net::Response response) { answered = std::move(response); });
    return Json::parse(test::text_of(answered), nullptr, false);
  };
  const Json zero = {{"count", 0}, {"ns", 0}};
  const Json none = call("GET", "/v2/models/m/stats");
  ASSERT_EQ(none["model_stats"].size(), 1U) << none;
  EXPECT_EQ(none["model_stats"][0], Json({{"name", "m"},
                                          {"version", "3"},
                                          {"last_inference", 0},
                                          {"inference_count", 0},
                                          {"execution_count", 0},
                                          {"batch_stats", Json::array()},
                                          {"inference_stats",
                                           {{"success", zero},
                                            {"fail", zero},
                                            {"queue", zero},
                                            {"compute_input", zero},
                                            {"compute_infer", zero},
                                            {"compute_output", zero},
                                            {"cache_hit", zero},
                                            {"cache_miss", zero}}}}));
  call("POST", kInferTarget, kGood);
  call("POST", kInferTarget,
       R"({"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,2,3,4]}]})");
  outcome_ = fail(Kind::kUnavailable, "busy");
  call("POST", kInferTarget, kGood);
  call("POST", kInferTarget, "{");  // never an inference
  for (const char* target :
       {"/v2/models/m/stats", "/v2/models/m/versions/3/stats", "/v2/models/stats"}) {
    const Json all = call("GET", target);
    ASSERT_EQ(all["model_stats"].size(), 1U) << target << all;
    const Json& stats = all["model_stats"][0];
    EXPECT_EQ(stats["inference_count"], 3);
    EXPECT_EQ(stats["inference_stats"]["success"]["count"], 2);
    EXPECT_GT(stats["inference_stats"]["success"]["ns"], 0);
    EXPECT_EQ(stats["inference_stats"]["fail"]["count"], 1);
    EXPECT_NEAR(stats["last_inference"].get<double>() / 1000, static_cast<double>(test::now_s()),
                100);
  }
}

TEST_F(V2, CountsWhatParsingAndTensorsTake) {
  const size_t bytes = std::string_view(kGood).size();
  memory_ = std::make_shared<net::BodyBudget>(20 * bytes);
  EXPECT_EQ(infer(kGood).status, 200U);
  EXPECT_EQ(memory_->used(), 2 * sizeof(float)) << "the job's inputs, which came as JSON";
  job_.reset();
  EXPECT_EQ(memory_->used(), 0U);
  // Others hold so much that there is no room to parse it.
  ASSERT_TRUE(memory_->take(6 * bytes));
  expect_refused(infer(kGood), 503, "no room for the request now");
  EXPECT_EQ(memory_->used(), 6 * bytes);
  // It is served alone, however small the memory is.
  memory_ = std::make_shared<net::BodyBudget>(bytes + 100);
  EXPECT_EQ(infer(kGood).status, 200U);
}

TEST_F(V2, NeverCrashesOnAnswersThatAreTooFew) {
  outcome_ = Answer{};
  EXPECT_EQ(infer(kGood).status, 500U);
}

}  // namespace
}  // namespace cloister::serving
