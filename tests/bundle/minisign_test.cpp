#include "bundle/minisign.h"

#include "tests/support/graphs.h"
#include "tests/support/tools.h"

namespace cloister::minisign {
namespace {

using test::expect_error;
using test::value_of;

// Made by minisign 0.11: "hello\n", prehashed and not.
constexpr const char* kPublicKey = "RWRDuMk+Gh6xlcie0ZcX3tcqt9ocJK+MBBnPW6Nk+PlSxT1GAMRc7oM+";
constexpr const char* kPrehashed =
    "untrusted comment: signature from minisign secret key\n"
    "RURDuMk+Gh6xldbgkz/a3X3TyVo2DUxCv4seQR21QZ6DMAVkxBa1QHHx+WGgSFgntrrX66RDITQPEX513iF09LGgMmjcA"
    "Vn+Ugg=\n"
    "trusted comment: hi there\n"
    "h26gNAzgw85FLsLUjUOoDlUL+ulMYFx3f0Z5vxpQ/8r89NqwPyXVXfCT/n6mcXfrY5giujaz0r/M7IR7RHs2Bw==\n";

Result<size_t> check(std::string_view message, std::string_view file,
                     std::string_view key = kPublicKey) {
  return verify(as_bytes(message), file, {value_of(parse_public_key(key))});
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Minisign, Verifies) {
  EXPECT_EQ(value_of(check("hello\n", kPrehashed)), 0U);
  const Signature signature = value_of(parse_signature(kPrehashed));
  EXPECT_TRUE(signature.prehashed);
  EXPECT_EQ(signature.trusted_comment, "hi there");
  EXPECT_EQ(signature.key_id_text(), "95B11E1A3EC9B843");
  EXPECT_EQ(signature_file(signature, "signature from minisign secret key"), kPrehashed);
}

TEST(Minisign, PublicKeys) {
  const PublicKey key = value_of(parse_public_key(kPublicKey));
  EXPECT_EQ(key.id_text(), "95B11E1A3EC9B843");
  EXPECT_EQ(key.text(), kPublicKey);
  EXPECT_EQ(value_of(parse_public_key(key.file())), key);
  EXPECT_EQ(value_of(parse_public_key(std::string(kPublicKey) + "\r\n")), key);
  expect_error(parse_public_key(""), Kind::kInvalid, "public key of 0 bytes, want 42");
  expect_error(parse_public_key("untrusted comment: x"), Kind::kInvalid, "public key");
  expect_error(parse_public_key(std::string(kPublicKey) + "\nmore"), Kind::kInvalid, "bytes after");
  expect_error(parse_public_key("RUR" + std::string(kPublicKey).substr(3)), Kind::kUnsupported,
               "algorithm 'ED', want 'Ed'");
  expect_error(parse_public_key(std::string(5000, 'A')), Kind::kInvalid, "at most 4096");
}

TEST(Minisign, WhatWasAltered) {
  expect_error(check("hellp\n", kPrehashed), Kind::kRefused, "key 95B11E1A3EC9B843 does not match");
  expect_error(check("", kPrehashed), Kind::kRefused, "does not match");
  expect_error(check("hello\n", replaced(kPrehashed, "hi there", "hi There")), Kind::kRefused,
               "does not match");
  expect_error(check("hello\n", replaced(kPrehashed, "2DUxCv", "2DUxCw")), Kind::kRefused,
               "does not match");
  expect_error(check("hello\n", replaced(kPrehashed, "h26gNA", "h26gNB")), Kind::kRefused,
               "does not match");
  // The untrusted comment is not signed.
  EXPECT_TRUE(check("hello\n", replaced(kPrehashed, "from minisign", "of mine")));
  // A prehashed signature taken for one of the message.
  expect_error(check("hello\n", replaced(kPrehashed, "RURDuM", "RWRDuM")), Kind::kRefused,
               "does not match");
}

TEST(Minisign, KeysOfOthers) {
  PublicKey other = value_of(parse_public_key(kPublicKey));
  other.id[0] = std::byte{0};
  const PublicKey good = value_of(parse_public_key(kPublicKey));
  expect_error(verify(as_bytes("hello\n"), kPrehashed, {other}), Kind::kRefused,
               "signed by key 95B11E1A3EC9B843, want 95B11E1A3EC9B800");
  EXPECT_EQ(value_of(verify(as_bytes("hello\n"), kPrehashed, {other, good})), 1U);
  expect_error(verify(as_bytes("hello\n"), kPrehashed, {}), Kind::kRefused, "signed by key");
  // The same number for another key.
  PublicKey imitated = good;
  imitated.key[3] ^= std::byte{1};
  expect_error(verify(as_bytes("hello\n"), kPrehashed, {imitated}), Kind::kRefused,
               "does not match");
  EXPECT_EQ(value_of(verify(as_bytes("hello\n"), kPrehashed, {imitated, good})), 1U);
}

TEST(Minisign, MalformedSignatures) {
  const std::string good = kPrehashed;
  for (size_t size = 0; size + 1 < good.size(); ++size) {
    EXPECT_FALSE(parse_signature(good.substr(0, size))) << size;
  }
  EXPECT_TRUE(parse_signature(good.substr(0, good.size() - 1)));
  expect_error(parse_signature(good + "x"), Kind::kInvalid, "1 bytes after");
  expect_error(parse_signature(replaced(good, "trusted comment: sig", "comment: sig")),
               Kind::kInvalid, "no line 'untrusted comment:");
  expect_error(parse_signature(replaced(good, "RURDuM", "RXRDuM")), Kind::kUnsupported,
               "algorithm 'Et'");
  expect_error(parse_signature(std::string(20'000, 'x')), Kind::kInvalid, "at most 16384");
}

class MinisignTool : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(test::tool_path("minisign"))) return;
    ASSERT_EQ(minisign({"-G", "-W", "-p", "k.pub", "-s", "k.key"}).code, 0);
    key_ = value_of(parse_public_key(*read_file(dir_ / "k.pub")));
  }

  test::Finished minisign(const test::Arguments& arguments) {
    return test::run_tool("minisign", arguments, dir_);
  }

  test::TempDir dir_;
  PublicKey key_;
};

TEST_F(MinisignTool, SignsWhatWeVerify) {
  SKIP_WITHOUT("minisign");
  for (const std::string& message : {std::string(), std::string("x"), std::string(100'000, 'y')}) {
    ASSERT_TRUE(write_file(dir_ / "m", message));
    for (const bool legacy : {false, true}) {
      ASSERT_EQ(
          minisign({"-S", legacy ? "-l" : "-H", "-s", "k.key", "-m", "m", "-t", "\t\xff!"}).code,
          0);
      const std::string file = *read_file(dir_ / "m.minisig");
      EXPECT_EQ(value_of(parse_signature(file)).prehashed, !legacy);
      EXPECT_TRUE(verify(as_bytes(message), file, {key_}));
      EXPECT_FALSE(verify(as_bytes(message + "z"), file, {key_}));
    }
  }
}

}  // namespace
}  // namespace cloister::minisign
