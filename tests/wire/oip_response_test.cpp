#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/oip.h"

namespace cloister::oip {
namespace {

using testing::ElementsAre;

Result<InferResponse> parse_response(std::string_view json) {
  return parse_infer_response(test::shared_body(json), std::nullopt);
}

// As a Triton server answers curl.
TEST(OipResponse, FromAServer) {
  const auto response = parse_response(
      R"({"id":"1","model_name":"simple","model_version":"1","parameters":{"sequence_id":0,)"
      R"("sequence_start":false},"outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[1,4],)"
      R"("data":[1,2,3,4]},{"name":"OUTPUT1","datatype":"FP64","shape":[2],"data":[0.5,-1e10]}]})");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->id, "1");
  EXPECT_EQ(response->model_name, "simple");
  EXPECT_EQ(response->model_version, "1");
  EXPECT_EQ(response->parameters,
            (Parameters{{"sequence_id", int64_t{0}}, {"sequence_start", false}}));
  ASSERT_EQ(response->outputs.size(), 2U);
  EXPECT_THAT(response->outputs[0].tensor.as<int32_t>(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(response->outputs[1].tensor.as<double>(), ElementsAre(0.5, -1e10));
}

TEST(OipResponse, BinaryFromAServer) {
  const std::string json =
      R"({"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":"FP32",)"
      R"("shape":[1,2],"parameters":{"binary_data_size":8}}]})";
  const std::string_view section("\xcd\xcc\xcc\x3d\x00\x00\x40\xc0", 8);
  const auto response =
      parse_infer_response(test::shared_body(json + std::string(section)), json.size());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_THAT(response->outputs[0].tensor.as<float>(), ElementsAre(0.1F, -3));
}

TEST(OipResponse, MalformedBodies) {
  const std::pair<std::string, std::string> kBad[] = {
      {"", "no JSON"},
      {R"({"error":"x"})", "no key 'model_name'"},
      {R"({"model_name":1})", "model_name: 1, want a string"},
      {R"({"model_name":"","outputs":[]})", "model_name is empty"},
      {R"({"model_name":"m","model_version":1,"outputs":[]})", "model_version: 1, want a string"},
      {R"({"model_name":"m","id":false,"outputs":[]})", "id: false, want a string"},
      {R"({"model_name":"m"})", "no key 'outputs'"},
      {R"({"model_name":"m","outputs":"y"})", "outputs: 'y', want an array"},
      {R"({"model_name":"m","outputs":[{}]})", "outputs[0]: no key 'name'"},
      {R"({"model_name":"m","outputs":[{"name":"y","datatype":"BYTES","shape":[1],)"
       R"("data":["0.9:1:cat"]}]})",
       "output 'y': datatype BYTES (texts) is not supported"},
      {R"({"model_name":"m","outputs":[{"name":"y","datatype":"FP32","shape":[1],)"
       R"("parameters":{"shared_memory_region":"r"}}]})",
       "output 'y': the parameter shared_memory_region is not supported"},
      {R"({"model_name":"m","outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[1]}]})",
       "output 'y': data: 1 elements, want 2 (shape [2])"},
  };
  for (const auto& [json, message] : kBad) {
    const auto response = parse_response(json);
    ASSERT_FALSE(response) << json;
    EXPECT_EQ(response.error().message, message);
    EXPECT_EQ(response.error().kind, Kind::kInvalid);
  }
}

InferResponse sample_response() {
  InferResponse response;
  response.model_name = "m";
  response.outputs.push_back({"y", test::tensor_of<float>(DType::kF32, {2}, {1.5, -2})});
  response.outputs.push_back({"z", test::tensor_of<int64_t>(DType::kI64, {1, 1}, {7})});
  return response;
}

TEST(OipResponse, WrittenAsTheRequestWants) {
  InferRequest request;
  const auto plain = write_infer_response(sample_response(), request);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->json,
            R"({"model_name":"m","outputs":[{"name":"y","shape":[2],"datatype":"FP32",)"
            R"("data":[1.5,-2]},{"name":"z","shape":[1,1],"datatype":"INT64","data":[7]}]})");
  EXPECT_FALSE(plain->extended);

  request.outputs = {{"z", true}, {"y", std::nullopt}};
  const auto mixed = write_infer_response(sample_response(), request);
  ASSERT_TRUE(mixed) << mixed.error().message;
  EXPECT_EQ(mixed->json.substr(0, mixed->json.find_last_not_of(' ') + 1),
            R"({"model_name":"m","outputs":[{"name":"y","shape":[2],"datatype":"FP32",)"
            R"("data":[1.5,-2]},{"name":"z","shape":[1,1],"datatype":"INT64",)"
            R"("parameters":{"binary_data_size":8}}]})");
  EXPECT_TRUE(mixed->extended);
  ASSERT_EQ(mixed->binary.size(), 1U);

  request.binary_outputs = true;
  InferResponse full = sample_response();
  full.model_version = "3";
  full.id = "i";
  full.parameters = {{"k", true}};
  const auto binary = write_infer_response(full, request);
  ASSERT_TRUE(binary) << binary.error().message;
  EXPECT_EQ(binary->binary.size(), 2U);
  EXPECT_TRUE(binary->json.starts_with(
      R"({"model_name":"m","model_version":"3","id":"i","parameters":{"k":true},"outputs":[)"));
  const auto again = parse_infer_response(test::shared_body(test::body_text(*binary)),
                                          test::header_length(*binary));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(test::same_tensors(again->outputs, full.outputs));
}

TEST(OipResponse, NumbersThatAreNotFiniteGoAsBinary) {
  InferRequest request;
  InferResponse response = sample_response();
  response.outputs[0].tensor.mutable_as<float>()[1] = INFINITY;
  EXPECT_EQ(write_infer_response(response, request).error().message,
            "output 'y': element 1 is not finite, which JSON can't represent: request binary data");
  request.binary_outputs = true;
  EXPECT_TRUE(write_infer_response(response, request));
}

}  // namespace
}  // namespace cloister::oip
