#include "link/oip_http.h"

#include "tests/support/net.h"
#include "tests/support/oip.h"

namespace cloister::serving {
namespace {

using test::expect_error;

Result<std::optional<uint64_t>> length_of(const std::vector<std::string>& values) {
  net::Fields fields;
  for (const std::string& value : values) fields.push_back({oip::kHeaderLengthField, value});
  return header_length(fields);
}

TEST(OipHttp, ReadsWhereTheJsonEnds) {
  EXPECT_EQ(length_of({}), std::nullopt);
  EXPECT_EQ(length_of({"0"}), 0U);
  EXPECT_EQ(length_of({"18446744073709551615"}), UINT64_MAX);
  EXPECT_EQ(header_length({{"INFERENCE-header-content-length", "7"}}), 7U);
  for (const char* text :
       {"", " 7", "7 ", "+7", "-7", "7.0", "0x7", "18446744073709551616", "7,7"}) {
    expect_error(length_of({text}), Kind::kInvalid, "want a number of bytes");
  }
  expect_error(length_of({"7", "7"}), Kind::kInvalid, "is given 2 times");
}

TEST(OipHttp, SaysSoOnlyWhereBinaryFollows) {
  HttpBody plain = http_body({.json = "{}"});
  EXPECT_EQ(*plain.fields.find("Content-Type"), "application/json");
  EXPECT_EQ(plain.fields.count(oip::kHeaderLengthField), 0U);
  ASSERT_EQ(plain.body.size(), 1U);
  EXPECT_EQ(as_text(plain.body[0].bytes), "{}");

  HttpBody binary = http_body({.json = "{}",
                               .binary = {test::tensor_of<uint8_t>(DType::kU8, {2}, {'a', 'b'})},
                               .extended = true});
  EXPECT_EQ(*binary.fields.find("Content-Type"), "application/octet-stream");
  EXPECT_EQ(header_length(binary.fields), 2U);
  ASSERT_EQ(binary.body.size(), 2U);
  EXPECT_EQ(as_text(binary.body[1].bytes), "ab");
}

}  // namespace
}  // namespace cloister::serving
