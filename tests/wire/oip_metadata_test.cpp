#include <gtest/gtest.h>

#include "wire/oip.h"

namespace cloister::oip {
namespace {

// As in the examples of the KServe documentation.
constexpr const char* kModel = R"({
  "name" : "resnet50", "versions" : ["1", "2"], "platform" : "onnxruntime_onnx",
  "inputs" : [{"name" : "x", "datatype" : "FP32", "shape" : [-1, 3, 224, 224]}],
  "outputs" : [{"name" : "logits", "datatype" : "FP32", "shape" : [-1, 1000]},
               {"name" : "top", "datatype" : "INT64", "shape" : []}],
  "more" : {"of": ["this"]}
})";

TEST(OipMetadata, ModelFromAServer) {
  const auto model = parse_model_metadata(as_bytes(kModel));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->name, "resnet50");
  EXPECT_EQ(model->versions, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(model->platform, "onnxruntime_onnx");
  ASSERT_EQ(model->inputs.size(), 1U);
  EXPECT_EQ(model->inputs[0].name, "x");
  EXPECT_EQ(model->inputs[0].dtype, DType::kF32);
  EXPECT_EQ(model->inputs[0].dims, Shape({-1, 3, 224, 224}));
  ASSERT_EQ(model->outputs.size(), 2U);
  EXPECT_EQ(model->outputs[1].dtype, DType::kI64);
  EXPECT_TRUE(model->outputs[1].dims.empty());
}

TEST(OipMetadata, ModelToAClient) {
  const auto model = parse_model_metadata(as_bytes(kModel));
  EXPECT_EQ(write_model_metadata(*model),
            R"({"name":"resnet50","versions":["1","2"],"platform":"onnxruntime_onnx",)"
            R"("inputs":[{"name":"x","datatype":"FP32","shape":[-1,3,224,224]}],)"
            R"("outputs":[{"name":"logits","datatype":"FP32","shape":[-1,1000]},)"
            R"({"name":"top","datatype":"INT64","shape":[]}]})");
}

// Whatever else others' parameters hold.
TEST(OipMetadata, NamesTheSegment) {
  const auto from = [](const std::string& parameters) {
    const std::string json =
        R"({"name":"m","parameters":)" + parameters + R"(,"inputs":[],"outputs":[]})";
    const auto model = parse_model_metadata(as_bytes(json));
    EXPECT_TRUE(model) << model.error().message;
    return model ? model->segment_sha256 : "refused";
  };
  EXPECT_EQ(from(R"({"segment_sha256":"ab","more":{"of":[1]}})"), "ab");
  EXPECT_EQ(from(R"({"segment_sha256":7})"), "");
  EXPECT_EQ(from("[]"), "");
  EXPECT_EQ(from("null"), "");
  EXPECT_EQ(write_model_metadata({.name = "m", .segment_sha256 = "ab"}),
            R"({"name":"m","versions":[],"platform":"","inputs":[],"outputs":[],)"
            R"("parameters":{"segment_sha256":"ab"}})");
}

TEST(OipMetadata, LittleIsEnough) {
  const auto model =
      parse_model_metadata(as_bytes(R"({"name":"m","versions":null,"inputs":[],"outputs":[]})"));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->versions.empty());
  EXPECT_TRUE(model->platform.empty());
}

TEST(OipMetadata, MalformedModels) {
  const std::pair<std::string, std::string> kBad[] = {
      {"", "no JSON"},
      {"[]", "an array, want an object"},
      {"{}", "no key 'name'"},
      {R"({"name":7})", "name: 7, want a string"},
      {R"({"name":""})", "name is empty"},
      {R"({"name":"m"})", "no key 'inputs'"},
      {R"({"name":"m","inputs":{}})", "inputs: an object, want an array"},
      {R"({"name":"m","inputs":[7]})", "inputs[0]: 7, want an object"},
      {R"({"name":"m","inputs":[{"name":"x"}]})", "input 'x': no key 'datatype'"},
      {R"({"name":"m","inputs":[{"name":"x","datatype":"BYTES"}]})",
       "input 'x': datatype BYTES (texts) is not supported"},
      {R"({"name":"m","inputs":[{"name":"x","datatype":"FP32"}]})", "input 'x': no key 'shape'"},
      {R"({"name":"m","inputs":[{"name":"x","datatype":"FP32","shape":[-2]}]})",
       "input 'x': shape[0]: -2, want a whole number from -1"},
      {R"({"name":"m","inputs":[],"outputs":[{"name":"y","datatype":"FP32","shape":[1]},)"
       R"({"name":"y","datatype":"FP32","shape":[1]}]})",
       "output 'y': there is more than one"},
      {R"({"name":"m","inputs":[],"outputs":[],"versions":[1]})", "versions[0]: 1, want a string"},
      {R"({"name":"m","inputs":[],"outputs":[],"platform":{}})",
       "platform: an object, want a string"},
  };
  for (const auto& [json, message] : kBad) {
    const auto model = parse_model_metadata(as_bytes(json));
    ASSERT_FALSE(model) << json;
    EXPECT_EQ(model.error().message, message);
    EXPECT_EQ(model.error().kind, Kind::kInvalid);
  }
}

TEST(OipMetadata, Server) {
  EXPECT_EQ(write_server_metadata({"cloister", "0.1.0", {"binary_tensor_data"}}),
            R"({"name":"cloister","version":"0.1.0","extensions":["binary_tensor_data"]})");
  EXPECT_EQ(write_server_metadata({}), R"({"name":"","version":"","extensions":[]})");
}

TEST(OipMetadata, Errors) {
  EXPECT_EQ(write_error("no \"x\"\n"), R"({"error":"no \"x\"\u000a"})");
  EXPECT_EQ(parse_error(as_bytes(write_error("no 'x'"))), "no 'x'");
  EXPECT_EQ(parse_error(as_bytes(write_error("bell \x07 and \xff"))), "bell \\x07 and \\xff");
  EXPECT_EQ(parse_error({}), "nothing");
  EXPECT_EQ(parse_error(as_bytes("<html>\n")), "7 bytes that are no error object: '<html>\\x0a'");
  EXPECT_EQ(parse_error(as_bytes(R"({"error":7})")),
            "11 bytes that are no error object: '{\"error\":7}'");
  EXPECT_EQ(parse_error(as_bytes(write_error(std::string(2000, 'x')))),
            std::string(500, 'x') + "...");
  EXPECT_LT(parse_error(as_bytes(std::string(2 << 20, 'x'))).size(), 300U);
}

}  // namespace
}  // namespace cloister::oip
