#include "base/error.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/checked.h"

namespace cloister {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return invalid("{} is odd", n);
  return n / 2;
}

Result<int> quarter(int n) {
  TRY(once, half(n));
  TRY(twice, half(once));
  return twice;
}

TEST(Error, TryPassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter(12), 3);
  const auto odd = quarter(6);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().message, "3 is odd");
  EXPECT_EQ(odd.error().kind, Kind::kInvalid);
}

TEST(Error, ContextComesFirst) {
  const Result<int> failed = with_context(half(3).error(), "tensor 'x'");
  EXPECT_EQ(failed.error().message, "tensor 'x': 3 is odd");
}

TEST(Error, ExitCodes) {
  EXPECT_EQ(exit_code(Kind::kInvalid), 1);
  EXPECT_EQ(exit_code(Kind::kUsage), 2);
  EXPECT_EQ(exit_code(Kind::kRefused), 3);
}

TEST(Error, PrintableEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("conv1.w"), "conv1.w");
  EXPECT_EQ(printable("größe"), "größe");
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable("\xff\xc0\x80"), "\\xff\\xc0\\x80");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // C1 control sequence introducer
  EXPECT_EQ(printable(std::string(500, 'x'), 10), "xxxxxxxxxx...");
}

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

TEST(Checked, OverflowIsAnError) {
  EXPECT_EQ(checked_mul(1ULL << 31, 2), 1ULL << 32);
  EXPECT_FALSE(checked_mul(1ULL << 33, 1ULL << 31));
  EXPECT_FALSE(checked_add(UINT64_MAX, 1));
  EXPECT_EQ(saturating_mul(UINT64_MAX, 2), UINT64_MAX);
  EXPECT_EQ(saturating_add(UINT64_MAX, 2), UINT64_MAX);
}

}  // namespace
}  // namespace cloister
