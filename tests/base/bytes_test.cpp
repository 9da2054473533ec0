#include "base/bytes.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

TEST(Reader, RefusesToReadPastTheEnd) {
  Reader in(as_bytes("abcdef"));
  EXPECT_EQ(in.number<uint8_t>(), 'a');
  EXPECT_EQ(in.number<uint16_t>(), 'b' | 'c' << 8);
  const auto more = in.number<uint64_t>();
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message, "3 bytes left, need 8");
  EXPECT_EQ(in.left(), 3);
  EXPECT_FALSE(in.take(UINT64_MAX));
  EXPECT_EQ(as_text(*in.take(3)), "def");
}

TEST(Reader, ReadsLittleEndianNumbersOfEveryKind) {
  Reader in(as_bytes(std::string_view("\x01\x00\x00\x80\x00\x00\x80\x3f\xff", 9)));
  EXPECT_EQ(in.number<int32_t>(), INT32_MIN + 1);
  EXPECT_EQ(in.number<float>(), 1.0F);
  EXPECT_EQ(in.number<int8_t>(), -1);
  EXPECT_EQ(in.left(), 0U);
  EXPECT_TRUE(in.take(0));
  EXPECT_FALSE(in.number<uint8_t>());
}

TEST(Reader, ReadsBigEndianNumbers) {
  Reader in(as_bytes("\x01\x02\x03\x04\x05\x06\x07"));
  EXPECT_EQ(in.big_number<uint16_t>(), 0x0102);
  EXPECT_EQ(in.big_number<uint32_t>(), 0x03040506U);
  EXPECT_FALSE(in.big_number<uint16_t>());
  EXPECT_EQ(in.left(), 1U);
}

}  // namespace
}  // namespace cloister
