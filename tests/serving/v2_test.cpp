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
  EXPECT_EQ(ask("GET", "/v2").json(),
            Json::parse(R"({"name":"s","version":"1","extensions":["e"]})"));
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
      {"GET", "/v2/", 404, "no '/v2/' here"},
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
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.method) + " " + c.target);
    const Got got = ask(c.method, c.target, kGood);
    expect_refused(got, c.status, c.part);
    EXPECT_EQ(got.fields.count("Allow"), c.status == 405 ? 1U : 0U);
    if (c.status == 405) {
      EXPECT_THAT(c.part, testing::EndsWith(*got.fields.find("Allow")));
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
  EXPECT_NEAR(limit_of(R"("priority":1)"), 10, 0.5);
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

TEST_F(V2, NeverCrashesOnAnswersThatAreTooFew) {
  outcome_ = Answer{};
  EXPECT_EQ(infer(kGood).status, 500U);
}

}  // namespace
}  // namespace cloister::serving
