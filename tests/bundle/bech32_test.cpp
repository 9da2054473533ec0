#include "bundle/bech32.h"

#include "base/sha256.h"
#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::expect_error;

// BIP 173, without those whose data are no whole bytes.
TEST(Bech32, OfTheStandard) {
  EXPECT_EQ(parse_bech32("A12UEL5L", "a")->size(), 0U);
  EXPECT_EQ(parse_bech32("a12uel5l", "a")->size(), 0U);
  EXPECT_EQ(bech32("a", {}), "a12uel5l");
  const std::string digits = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
  const auto bytes = parse_bech32(digits, "abcdef");
  EXPECT_EQ(to_hex(*bytes), "00443214c74254b635cf84653a56d7c675be77df");
  EXPECT_EQ(bech32("abcdef", *bytes), digits);
}

TEST(Bech32, ThereAndBack) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(*parse_bech32(bech32("age", bytes), "age"), bytes);
    bytes.push_back(static_cast<std::byte>(i * 37 + 11));
  }
}

TEST(Bech32, EveryMistypedLetterIsFound) {
  const std::string good = bech32("age", as_bytes("0123456789abcdefghijklmnopqrstuv"));
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'q', 'p', 'b', '1', 'X', ' ', '\0', '\xff'}) {
      if (good[i] == c) continue;
      std::string bad = good;
      bad[i] = c;
      EXPECT_FALSE(parse_bech32(bad, "age")) << bad;
    }
  }
}

TEST(Bech32, WhatIsRefused) {
  expect_error(parse_bech32("a12uel5L", "a"), Kind::kInvalid, "both cases");
  expect_error(parse_bech32("b12uel5l", "a"), Kind::kInvalid, "does not begin with 'a1'");
  expect_error(parse_bech32("", "a"), Kind::kInvalid, "does not begin");
  expect_error(parse_bech32("a1", "a"), Kind::kInvalid, "too short");
  expect_error(parse_bech32("a12uel5", "a"), Kind::kInvalid, "too short");
  expect_error(parse_bech32("a12uel5b", "a"), Kind::kInvalid, "a letter that bech32 does not have");
  expect_error(parse_bech32("a12uel5q", "a"), Kind::kInvalid, "checksum");
  expect_error(parse_bech32("a1" + std::string(2000, 'q'), "a"), Kind::kInvalid, "at most 1000");
  // A whole letter that is of no byte, and bits that are not zero.
  expect_error(parse_bech32("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "abc"),
               Kind::kInvalid, "begin");
}

}  // namespace
}  // namespace cloister
