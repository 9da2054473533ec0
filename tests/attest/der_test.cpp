#include "attest/der.h"

#include <gmock/gmock.h>

namespace cloister::attest {
namespace {

Result<uint64_t> number(std::string_view bytes) {
  return sole_number(as_bytes(bytes));
}

TEST(Der, Numbers) {
  using namespace std::string_view_literals;
  EXPECT_EQ(number("\x02\x01\x07"sv), 7u);
  EXPECT_EQ(number("\x02\x01\x00"sv), 0u);
  EXPECT_EQ(number("\x02\x02\x00\xff"sv), 255u);
  EXPECT_EQ(number("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"sv), UINT64_MAX);
  EXPECT_EQ(sole_number(as_bytes("\x0a\x01\x02"sv), kDerEnumerated), 2u);
  for (const std::string_view bad :
       {""sv, "\x02"sv, "\x02\x00"sv, "\x02\x02\x07"sv, "\x02\x01\x07\x00"sv, "\x02\x01\xff"sv,
        "\x02\x02\x00\x07"sv, "\x03\x01\x07"sv, "\x02\x81\x01\x07"sv, "\x02\x80\x07\x00\x00"sv,
        "\x02\x09\x01\xff\xff\xff\xff\xff\xff\xff\xff"sv, "\x02\x82\x00\x01\x07"sv,
        "\x02\x84\x00\x00\x00\x01\x07"sv}) {
    EXPECT_FALSE(number(bad)) << bad.size();
  }
}

TEST(Der, LongElements) {
  std::string text = "\x04\x82\x01\x2c" + std::string(300, 'x');
  EXPECT_EQ(sole_element(as_bytes(text), kDerOctets)->size(), 300u);
  text.pop_back();
  EXPECT_FALSE(sole_element(as_bytes(text), kDerOctets));
  EXPECT_EQ(sole_element(as_bytes("\x04\x81\x80" + std::string(128, 'x')), kDerOctets)->size(),
            128u);
}

}  // namespace
}  // namespace cloister::attest
