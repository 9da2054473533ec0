#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/oip.h"

namespace cloister::oip {
namespace {

using testing::ElementsAre;

Result<InferRequest> parse_request(std::string_view json) {
  return parse_infer_request(test::shared_body(json), std::nullopt);
}

std::string request_refusal(std::string_view json) {
  const auto request = parse_request(json);
  if (request) return "";
  EXPECT_EQ(request.error().kind, Kind::kInvalid);
  return request.error().message;
}

// What somebody types after curl -d.
TEST(OipRequest, TypedByHand) {
  const auto request = parse_request(R"({
    "id": "42",
    "inputs": [{
      "name": "x",
      "shape": [2, 2],
      "datatype": "FP32",
      "data": [[1, 2.5], [-3e-1, 4]]
    }]
  })");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->id, "42");
  ASSERT_EQ(request->inputs.size(), 1U);
  EXPECT_EQ(request->inputs[0].name, "x");
  EXPECT_EQ(request->inputs[0].tensor.shape(), Shape({2, 2}));
  EXPECT_THAT(request->inputs[0].tensor.as<float>(), ElementsAre(1, 2.5F, -0.3F, 4));
  EXPECT_TRUE(request->outputs.empty());
  EXPECT_FALSE(request->binary_outputs);
  EXPECT_FALSE(request->wants_binary("y"));
}

// As tritonclient's HTTP client lays it out.
TEST(OipRequest, FromTritonsClient) {
  const std::string json =
      R"({"id": "1", "parameters": {"priority": 1, "sequence_id": "s"}, "inputs": [{"name": )"
      R"("INPUT0", "shape": [1, 2], "datatype": "INT32", "parameters": {"binary_data_size": 8}}], )"
      R"("outputs": [{"name": "OUTPUT0", "parameters": {"binary_data": true}}, {"name": )"
      R"("OUTPUT1", "parameters": {"binary_data": false}}]})";
  const std::string_view section("\x07\x00\x00\x00\xff\xff\xff\xff", 8);
  const auto request =
      parse_infer_request(test::shared_body(json + std::string(section)), json.size());
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(request->inputs[0].tensor.as<int32_t>(), ElementsAre(7, -1));
  EXPECT_EQ(request->parameters,
            (Parameters{{"priority", int64_t{1}}, {"sequence_id", std::string("s")}}));
  ASSERT_EQ(request->outputs.size(), 2U);
  EXPECT_TRUE(request->wants_binary("OUTPUT0"));
  EXPECT_FALSE(request->wants_binary("OUTPUT1"));
  EXPECT_FALSE(request->wants_binary("OUTPUT2"));
}

// Without outputs it asks for all of them as binary.
TEST(OipRequest, BinaryOutputsByDefault) {
  const auto request = parse_request(
      R"({"parameters":{"binary_data_output":true},"inputs":[],"outputs":[{"name":"a"},)"
      R"({"name":"b","parameters":{"binary_data":false,"other":1}}]})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_TRUE(request->binary_outputs);
  EXPECT_TRUE(request->parameters.empty());
  EXPECT_TRUE(request->wants_binary("a"));
  EXPECT_FALSE(request->wants_binary("b"));
  EXPECT_TRUE(request->wants_binary("c"));
}

// Some clients send null for what they don't use, and members of their own.
TEST(OipRequest, NullIsAbsentAndUnknownMembersAreIgnored) {
  const auto request = parse_request(
      R"({"id":null,"model_name":"m","parameters":null,"outputs":null,"extra":{"a":[[]]},)"
      R"("inputs":[{"name":"x","shape":[1],"datatype":"BOOL","data":[true],)"
      R"("parameters":{"content_type":null,"headers":"h"},"raw":null}]})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->id, "");
  EXPECT_THAT(request->inputs[0].tensor.as<uint8_t>(), ElementsAre(1));
}

TEST(OipRequest, MalformedBodies) {
  std::string rank33 = "[1";
  for (int i = 0; i < 32; ++i) rank33 += ",1";
  rank33 += "]";
  const auto input = [](const std::string& members) { return "{\"inputs\":[{" + members + "}]}"; };
  const std::string good = R"("name":"x","shape":[1],"datatype":"FP32","data":[1])";
  const std::string long_text(1025, 'x');
  const std::pair<std::string, std::string> kBad[] = {
      {"", "no JSON"},
      {"[]", "an array, want an object"},
      {"null", "null, want an object"},
      {"{}", "no key 'inputs'"},
      {R"({"inputs":null})", "no key 'inputs'"},
      {R"({"inputs":{}})", "inputs: an object, want an array"},
      {R"({"inputs":[],"inputs":[]})", "key 'inputs' occurs twice"},
      {R"({"inputs":[],"x":1,"x":1})", "key 'x' occurs twice"},
      {R"({"inputs":[7]})", "inputs[0]: 7, want an object"},
      {R"({"id":7,"inputs":[]})", "id: 7, want a string"},
      {R"({"id":")" + long_text + R"(","inputs":[]})", "id has 1025 bytes, at most 1024 are taken"},
      {R"({"parameters":[],"inputs":[]})", "parameters: an array, want an object"},
      {R"({"parameters":{"a":{}},"inputs":[]})",
       "parameters: a: an object, want a string, true, false or a number"},
      {R"({"parameters":{"binary_data_output":1},"inputs":[]})",
       "parameters: binary_data_output: 1, want true or false"},
      {R"({"inputs":[],"outputs":{}})", "outputs: an object, want an array"},
      {R"({"inputs":[],"outputs":["y"]})", "outputs[0]: 'y', want an object"},
      {R"({"inputs":[],"outputs":[{}]})", "outputs[0]: no key 'name'"},
      {R"({"inputs":[],"outputs":[{"name":"y"},{"name":"y"}]})",
       "output 'y': there is more than one"},
      {R"({"inputs":[],"outputs":[{"name":"y","parameters":{"binary_data":"yes"}}]})",
       "output 'y': parameters: binary_data: 'yes', want true or false"},
      {R"({"inputs":[],"outputs":[{"name":"y","parameters":{"classification":3}}]})",
       "output 'y': the parameter classification is not supported"},
      {R"({"inputs":[],"outputs":[{"name":"y","parameters":{"shared_memory_region":"r"}}]})",
       "output 'y': the parameter shared_memory_region is not supported"},
      {input(""), "inputs[0]: no key 'name'"},
      {input(R"("name":7)"), "inputs[0]: name: 7, want a string"},
      {input(R"("name":"")"), "inputs[0]: name is empty"},
      {input(R"("name":"a\u0000b")"), "inputs[0]: name 'a\\x00b' has a NUL in it"},
      {input("\"name\":\"" + long_text + "\""),
       "inputs[0]: name has 1025 bytes, at most 1024 are taken"},
      {input("\"name\":\"\xff\""), "not JSON: The input is not valid UTF-8"},
      {input(R"("name":"x","name":"x")"), "inputs[0]: key 'name' occurs twice"},
      {input(R"("name":"x","shape":[1],"data":[1])"), "input 'x': no key 'datatype'"},
      {input(R"("name":"x","datatype":1)"), "input 'x': datatype: 1, want a string"},
      {input(R"("name":"x","datatype":"BYTES","shape":[1],"data":["a"])"),
       "input 'x': datatype BYTES (texts) is not supported"},
      {input(R"("name":"x","datatype":"FP32","data":[1])"), "input 'x': no key 'shape'"},
      {input(R"("name":"x","datatype":"FP32","shape":1)"), "input 'x': shape: 1, want an array"},
      {input(R"("name":"x","datatype":"FP32","shape":[2,-1])"),
       "input 'x': shape[1]: -1, want a whole number from 0"},
      {input(R"("name":"x","datatype":"FP32","shape":[1.0])"),
       "input 'x': shape[0]: 1.0, want a whole number from 0"},
      {input(R"("name":"x","datatype":"FP32","shape":["1"])"),
       "input 'x': shape[0]: '1', want a whole number from 0"},
      {input(R"("name":"x","datatype":"FP32","shape":[9223372036854775808])"),
       "input 'x': shape[0]: 9223372036854775808, want a whole number from 0"},
      {input(R"("name":"x","datatype":"FP32","shape":)" + rank33),
       "input 'x': shape: more than 32 dimensions"},
      {input(R"("name":"x","datatype":"FP32","shape":[1])"),
       "input 'x': neither data nor the parameter binary_data_size, want one of them"},
      {input(good + R"(,"parameters":{"binary_data_size":4})"),
       "input 'x': both data and the parameter binary_data_size, want one of them"},
      {input(R"("name":"x","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4})"),
       "input 'x': binary_data_size without the HTTP field Inference-Header-Content-Length"},
      {input(good + R"(,"parameters":7)"), "input 'x': parameters: 7, want an object"},
      {input(good + R"(,"parameters":{"a":[]})"),
       "input 'x': parameters: a: an array, want a string, true, false or a number"},
      {input(R"("name":"x","datatype":"FP32","shape":[1],)"
             R"("parameters":{"shared_memory_region":"r","shared_memory_byte_size":4})"),
       "input 'x': the parameter shared_memory_byte_size is not supported"},
      {"{\"inputs\":[{" + good + "},{" + good + "}]}", "input 'x': there is more than one"},
      {"{\"inputs\":[{" + good + "}]}x",
       "not JSON: The JSON document has an improper structure: missing or superfluous commas, "
       "braces, missing keys, etc."},
  };
  for (const auto& [json, message] : kBad) EXPECT_EQ(request_refusal(json), message) << json;
}

TEST(OipRequest, CountsAreBounded) {
  std::string many = "{\"inputs\":[";
  for (int i = 0; i < 1001; ++i) {
    many += fmt::format(R"({}{{"name":"{}","shape":[1],"datatype":"INT8","data":[1]}})",
                        i == 0 ? "" : ",", i);
    if (i == 999) {
      EXPECT_EQ(request_refusal(many + "]}"), "");
    }
  }
  EXPECT_EQ(request_refusal(many + "]}"), "inputs: more than 1000");
}

InferRequest sample_request() {
  InferRequest request;
  request.id = "a \"b\"";
  request.parameters = {{"p", 2.0}, {"q", std::string("\n")}};
  request.inputs.push_back({"x", test::tensor_of<float>(DType::kF32, {1, 3}, {1, -0.5, 0})});
  request.inputs.push_back({"mask", test::tensor_of<uint8_t>(DType::kBool, {2}, {1, 0})});
  request.outputs = {{"y", std::nullopt}, {"z", false}};
  return request;
}

TEST(OipRequest, WrittenAsJson) {
  const auto message = write_infer_request(sample_request(), Encoding::kJson);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->json,
            R"({"id":"a \"b\"","parameters":{"p":2.0,"q":"\u000a"},"inputs":[)"
            R"({"name":"x","shape":[1,3],"datatype":"FP32","data":[1,-0.5,0]},)"
            R"({"name":"mask","shape":[2],"datatype":"BOOL","data":[true,false]}],)"
            R"("outputs":[{"name":"y"},{"name":"z","parameters":{"binary_data":false}}]})");
  EXPECT_TRUE(message->binary.empty());
  EXPECT_FALSE(message->extended);
}

TEST(OipRequest, WrittenAsBinary) {
  const auto message = write_infer_request(sample_request(), Encoding::kBinary);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->json.substr(0, message->json.find_last_not_of(' ') + 1),
            R"({"id":"a \"b\"","parameters":{"binary_data_output":true,"p":2.0,"q":"\u000a"},)"
            R"("inputs":[{"name":"x","shape":[1,3],"datatype":"FP32",)"
            R"("parameters":{"binary_data_size":12}},{"name":"mask","shape":[2],)"
            R"("datatype":"BOOL","parameters":{"binary_data_size":2}}],)"
            R"("outputs":[{"name":"y"},{"name":"z","parameters":{"binary_data":false}}]})");
  EXPECT_TRUE(message->extended);
  EXPECT_EQ(message->json.size() % 64, 0U);
  ASSERT_EQ(message->binary.size(), 2U);
  const auto again = parse_infer_request(test::shared_body(test::body_text(*message)),
                                         test::header_length(*message));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(test::same_tensors(again->inputs, sample_request().inputs));
  EXPECT_TRUE(again->wants_binary("y"));
  EXPECT_FALSE(again->wants_binary("z"));
}

TEST(OipRequest, WhatCannotBeWrittenIsRefused) {
  const auto refused = [](auto change) {
    InferRequest request = sample_request();
    change(request);
    const auto message = write_infer_request(request, Encoding::kJson);
    return message ? "" : message.error().message;
  };
  EXPECT_EQ(refused([](InferRequest& r) { r.id = "\xff"; }), "id '\\xff' is not UTF-8");
  EXPECT_EQ(refused([](InferRequest& r) { r.inputs[1].name = "x"; }),
            "input 'x': there is more than one");
  EXPECT_EQ(refused([](InferRequest& r) { r.outputs[0].name = ""; }), "an output's name is empty");
  EXPECT_EQ(refused([](InferRequest& r) { r.parameters["binary_data_output"] = true; }),
            "parameters: binary_data_output is reserved for the encoding");
  EXPECT_EQ(refused([](InferRequest& r) { r.inputs[0].tensor.mutable_as<float>()[2] = NAN; }),
            "input 'x': element 2 is not finite, which JSON can't represent: request binary data");
}

}  // namespace
}  // namespace cloister::oip
