#include "base/error.h"

#include <gtest/gtest.h>

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

TEST(Error, PrintableKnowsUtf8) {
  EXPECT_EQ(printable("\u00a0\u07ff\u0800\uffff\U00010000\U0010ffff"),
            "\u00a0\u07ff\u0800\uffff\U00010000\U0010ffff");
  EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");                    // overlong '/'
  EXPECT_EQ(printable("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");           // overlong '/'
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");                    // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");           // past the last one
  EXPECT_EQ(printable("\xf8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80");  // five bytes
  EXPECT_EQ(printable("a\xe2\x82"), "a\\xe2\\x82");                           // cut off
  EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
}

TEST(Error, ExitCodes) {
  EXPECT_EQ(exit_code(Kind::kInvalid), 1);
  EXPECT_EQ(exit_code(Kind::kUsage), 2);
  EXPECT_EQ(exit_code(Kind::kRefused), 3);
  for (const Kind kind : {Kind::kNotFound, Kind::kUnsupported, Kind::kIo, Kind::kInternal,
                          Kind::kUnavailable, Kind::kDeadline}) {
    EXPECT_EQ(exit_code(kind), 1);
  }
}

TEST(Error, PrintableEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("conv1.w"), "conv1.w");
  EXPECT_EQ(printable("größe"), "größe");
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable("\xff\xc0\x80"), "\\xff\\xc0\\x80");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // C1 control sequence introducer
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "gpj"),
            "\\xe2\\x80\\xaegpj");                          // right to left from here
  EXPECT_EQ(printable("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");  // line separator
  EXPECT_EQ(printable(std::string(500, 'x'), 10), "xxxxxxxxxx...");
}

}  // namespace
}  // namespace cloister
