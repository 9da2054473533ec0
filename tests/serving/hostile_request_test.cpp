#include "tests/serving/v2_fixture.h"

namespace cloister::serving {
namespace {

using HostileRequest = test::V2;
using test::kGood;
using testing::HasSubstr;

TEST_F(HostileRequest, ThatIsNone) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const auto with_input = [](const std::string& members) {
    return R"({"inputs":[{)" + members + "}]}";
  };
  const auto shaped = [&](const std::string& shape, const std::string& data = "[1,2]") {
    return with_input(R"("name":"x","datatype":"FP32","shape":)" + shape + R"(,"data":)" + data);
  };
  const std::pair<std::string, const char*> cases[] = {
      {"", "no JSON"},
      {"{", "not JSON"},
      {"7", "want an object"},
      {"{}", "no key 'inputs'"},
      {R"({"inputs":{}})", "want an array"},
      {R"({"inputs":[]})", "input 'x' (f32[?,2]) is missing"},
      {R"({"inputs":[7]})", "want an object"},
      {deep, "levels"},
      {R"({"inputs":)" + deep + "}", "levels"},
      {std::string(kGood) + "{}", "not JSON"},
      {std::string("\0", 1), "not JSON"},
      {with_input(R"("datatype":"FP32","shape":[1,2],"data":[1,2])"), "no key 'name'"},
      {with_input(R"("name":"x","shape":[1,2],"data":[1,2])"), "no key 'datatype'"},
      {with_input(R"("name":"x","datatype":"FP32","data":[1,2])"), "no key 'shape'"},
      {with_input(R"("name":"x","datatype":"FP32","shape":[1,2])"), "neither"},
      {with_input(R"("name":"w","datatype":"FP32","shape":[1,2],"data":[1,2])"), "no input 'w'"},
      {with_input(R"("name":7,"datatype":"FP32","shape":[1,2],"data":[1,2])"), "want a string"},
      {with_input(R"("name":"x","datatype":"FP64","shape":[1,2],"data":[1,2])"), "want f32[?,2]"},
      {with_input(R"("name":"x","datatype":"BYTES","shape":[1],"data":["a"])"), "BYTES"},
      {with_input(R"("name":"x","name":"x","datatype":"FP32","shape":[1,2],"data":[1,2])"),
       "twice"},
      {shaped("[1,3]"), "2"},
      {shaped("[2]"), "want f32[?,2]"},
      {shaped("[1,1,2]"), "want f32[?,2]"},
      {shaped("[0,2]", "[]"), "want no dimension of 0"},
      {shaped("[5,2]", "[1,2,3,4,5,6,7,8,9,10]"), "want 1 to 4 items"},
      {shaped("[-1,2]"), "a whole number from 0"},
      {shaped("[1.0,2]"), "a whole number from 0"},
      {shaped("[\"1\",2]"), "a whole number from 0"},
      {shaped("[9223372036854775807,9223372036854775807]"), "input 'x'"},
      {shaped("[4294967296,4294967296]"), "input 'x'"},
      {shaped("[99999999999999999999,1]"), "64 bits"},
      {shaped("[1000000000,2]"), "more than"},
      {shaped("[1,2]", "[1,\"2\"]"), "input 'x'"},
      {shaped("[1,2]", "[1,null]"), "input 'x'"},
      {shaped("[1,2]", "[1,1e39]"), "input 'x'"},
      {shaped("[1,2]", "[1,NaN]"), "not JSON"},
      {shaped("[1,2]", "7"), "input 'x'"},
      {R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]},
                     {"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}]})",
       "input 'x': there is more than one"},
      {with_input(R"("name":"x","datatype":"FP32","shape":[1,2],)"
                  R"("parameters":{"shared_memory_region":"r"},"data":[1,2])"),
       "not supported"},
      {with_input(R"("name":"x","datatype":"FP32","shape":[1,2],)"
                  R"("parameters":{"binary_data_size":8})"),
       "without the HTTP field"},
  };
  for (const auto& [body, part] : cases) {
    SCOPED_TRACE(body.substr(0, 200));
    expect_refused(infer(body), 400, part);
  }
  EXPECT_THAT(metrics_.text(), HasSubstr("outcome=\"invalid\"}"));
}

TEST_F(HostileRequest, WithWrongBinarySections) {
  struct Case {
    const char* what;
    std::string json;
    std::string sections;
    std::string length;  // of the JSON; empty: as it is
    const char* part;
  };
  const auto binary = [](const std::string& size) {
    return R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],)"
           R"("parameters":{"binary_data_size":)" +
           size + "}}]}";
  };
  const std::string eight(8, '\0');
  const Case cases[] = {
      {"missing", binary("8"), "", "", "binary data"},
      {"short", binary("8"), eight.substr(1), "", "binary data"},
      {"long", binary("8"), eight + "x", "", "1 bytes left over after all inputs"},
      {"another size", binary("4"), eight, "", "4, want 8"},
      {"negative", binary("-8"), eight, "", "-8, want 8"},
      {"huge", binary("9223372036854775807"), eight, "", "want 8"},
      {"a text", binary("\"8\""), eight, "", "want 8"},
      {"data too",
       R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2],)"
       R"("parameters":{"binary_data_size":8}}]})",
       eight, "", "both"},
      {"the JSON ends early", binary("8"), eight, "5", "not JSON"},
      {"the JSON ends late", binary("8"), eight, "9999", "but the body has"},
      {"the JSON takes a byte of the tensor", binary("8"), std::string(8, ' '),
       std::to_string(binary("8").size() + 1), "binary data"},
      {"no JSON", binary("8"), eight, "0", "raw binary request"},
      {"no number", binary("8"), eight, "x", "want a number"},
      {"a sign", binary("8"), eight, "-1", "want a number"},
      {"more than 64 bits", binary("8"), eight, "99999999999999999999", "want a number"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const std::string length = c.length.empty() ? std::to_string(c.json.size()) : c.length;
    expect_refused(infer(c.json + c.sections, {{oip::kHeaderLengthField, length}}), 400, c.part);
  }
  const std::string length = std::to_string(binary("8").size());
  expect_refused(infer(binary("8") + eight, {{oip::kHeaderLengthField, length},
                                             {"inference-header-content-length", length}}),
                 400, "2 times");
}

TEST_F(HostileRequest, ForOutputsThatThereAreNot) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("outputs":[{"name":"w"}])", "no output 'w'"},
      {R"("outputs":[{"name":"y"},{"name":"y"}])", "output 'y': there is more than one"},
      {R"("outputs":[{}])", "no key 'name'"},
      {R"("outputs":{})", "want an array"},
      {R"("outputs":[{"name":"y","parameters":{"classification":2}}])", "not supported"},
      {R"("outputs":[{"name":"y","parameters":{"binary_data":1}}])", "want true or false"},
      {R"("id":7)", "twice"},
  };
  for (const auto& [members, part] : cases) {
    SCOPED_TRACE(members);
    expect_refused(infer_with(members), 400, part);
  }
}

}  // namespace
}  // namespace cloister::serving
