#include "bundle/minisign_secret.h"

#include "base/base64.h"
#include "tests/support/graphs.h"
#include "tests/support/tools.h"

namespace cloister::minisign {
namespace {

using test::expect_error;
using test::value_of;

// Cheap, for tests only.
constexpr Cost kCheap{.operations = 32768, .memory_bytes = 1 << 24};

SecretBytes secret(std::string_view text) {
  return SecretBytes(as_bytes(text));
}

TEST(MinisignSecret, SignsWhatWeVerify) {
  const SecretKey key = value_of(generate_key());
  const std::string file = value_of(sign(as_bytes("manifest"), key, "timestamp:1"));
  EXPECT_EQ(value_of(verify(as_bytes("manifest"), file, {key.public_key})), 0U);
  EXPECT_EQ(value_of(parse_signature(file)).trusted_comment, "timestamp:1");
  EXPECT_TRUE(value_of(parse_signature(file)).prehashed);
  expect_error(verify(as_bytes("manifesto"), file, {key.public_key}), Kind::kRefused,
               "does not match");
  expect_error(sign(as_bytes("x"), key, "two\nlines"), Kind::kInternal, "one line");
}

TEST(MinisignSecret, FilesThereAndBack) {
  const SecretKey key = value_of(generate_key());
  const SecretBytes password = secret("p\xc3\xa4ss");
  for (const SecretBytes* given : {static_cast<const SecretBytes*>(nullptr), &password}) {
    const SecretBytes file = value_of(secret_key_file(key, given, kCheap));
    EXPECT_EQ(value_of(needs_password(file.text())), given != nullptr);
    const SecretKey read = value_of(open_secret_key(file.text(), given));
    EXPECT_EQ(read.public_key, key.public_key);
    EXPECT_EQ(read.key.text(), key.key.text());
  }
  const SecretBytes file = value_of(secret_key_file(key, &password, kCheap));
  const SecretBytes wrong = secret("pass");
  expect_error(open_secret_key(file.text(), &wrong), Kind::kRefused, "wrong password");
  expect_error(open_secret_key(file.text(), nullptr), Kind::kUsage, "needs its password");
  // A password for a key that has none is not looked at.
  EXPECT_TRUE(open_secret_key(value_of(secret_key_file(key, nullptr)).text(), &wrong));
}

TEST(MinisignSecret, DamagedFiles) {
  const SecretKey key = value_of(generate_key());
  const std::string good(value_of(secret_key_file(key, nullptr)).text());
  const size_t line = good.find('\n') + 1;
  const auto with_flipped = [&](size_t at) {
    auto bytes = value_of(parse_base64(good.substr(line, good.size() - line - 1), Base64::kPadded));
    bytes[at] ^= std::byte{4};
    return good.substr(0, line) + base64(bytes, Base64::kPadded) + "\n";
  };
  for (size_t at = 0; at < 158; ++at) {
    if (at >= 6 && at < 54) continue;  // salt and costs mean nothing without a password
    EXPECT_FALSE(open_secret_key(with_flipped(at), nullptr)) << at;
  }
  expect_error(open_secret_key(with_flipped(70), nullptr), Kind::kInvalid, "checksum");
  expect_error(open_secret_key("", nullptr), Kind::kInvalid, "no line 'untrusted comment");
  expect_error(open_secret_key(good.substr(0, line) + "AAAA\n", nullptr), Kind::kInvalid,
               "3 bytes, want 158");
  expect_error(open_secret_key(good.substr(0, line) + "?\n", nullptr), Kind::kInvalid,
               "not base64");
  // Costs that no machine has.
  const SecretBytes password = secret("x");
  const std::string costly(value_of(secret_key_file(key, nullptr)).text());
  auto bytes =
      value_of(parse_base64(costly.substr(line, costly.size() - line - 1), Base64::kPadded));
  bytes[2] = std::byte{'S'};
  bytes[3] = std::byte{'c'};
  bytes[53] = std::byte{1};
  expect_error(
      open_secret_key(good.substr(0, line) + base64(bytes, Base64::kPadded) + "\n", &password),
      Kind::kInvalid, "scrypt with 0 operations");
}

class MinisignSecretTool : public testing::Test {
 protected:
  test::Finished minisign(const test::Arguments& arguments) {
    return test::run_tool("minisign", arguments, dir_);
  }

  test::TempDir dir_;
};

TEST_F(MinisignSecretTool, VerifiesWhatWeSign) {
  SKIP_WITHOUT("minisign");
  const SecretKey key = value_of(generate_key());
  ASSERT_TRUE(write_file(dir_ / "k.pub", key.public_key.file()));
  ASSERT_TRUE(write_file(dir_ / "m", "manifest"));
  ASSERT_TRUE(write_file(dir_ / "m.minisig", value_of(sign(as_bytes("manifest"), key, "it's us"))));
  const auto file = minisign({"-V", "-m", "m", "-p", "k.pub"});
  EXPECT_EQ(file.code, 0) << file.err;
  EXPECT_THAT(file.out, testing::HasSubstr("Trusted comment: it's us"));
  EXPECT_EQ(minisign({"-V", "-m", "m", "-P", key.public_key.text()}).code, 0);
  ASSERT_TRUE(write_file(dir_ / "m", "manifesto"));
  EXPECT_NE(minisign({"-V", "-m", "m", "-p", "k.pub"}).code, 0);
}

TEST_F(MinisignSecretTool, SignsWithOurKey) {
  SKIP_WITHOUT("minisign");
  const SecretKey key = value_of(generate_key());
  ASSERT_TRUE(write_file(dir_ / "k.key", value_of(secret_key_file(key, nullptr)).text()));
  ASSERT_TRUE(write_file(dir_ / "m", "manifest"));
  const auto done = minisign({"-S", "-s", "k.key", "-m", "m"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(verify(as_bytes("manifest"), *read_file(dir_ / "m.minisig"), {key.public_key}));
}

TEST_F(MinisignSecretTool, TakesOurPassword) {
  SKIP_WITHOUT("minisign");
  const SecretKey key = value_of(generate_key());
  const SecretBytes password = secret("open sesame");
  ASSERT_TRUE(write_file(dir_ / "k.key", value_of(secret_key_file(key, &password, kCheap)).text()));
  ASSERT_TRUE(write_file(dir_ / "m", "manifest"));
  ASSERT_TRUE(write_file(dir_ / "typed", "open sesame\n"));
  test::ProgramOptions options;
  options.folder = dir_.path();
  options.in = "typed";
  const auto done =
      test::run_program(test::tool_path("minisign"), {"-S", "-s", "k.key", "-m", "m"}, options);
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(verify(as_bytes("manifest"), *read_file(dir_ / "m.minisig"), {key.public_key}));
}

TEST_F(MinisignSecretTool, MakesKeysThatWeUse) {
  SKIP_WITHOUT("minisign");
  ASSERT_EQ(minisign({"-G", "-W", "-p", "k.pub", "-s", "k.key"}).code, 0);
  const SecretKey key = value_of(open_secret_key(*read_file(dir_ / "k.key"), nullptr));
  EXPECT_EQ(key.public_key, value_of(parse_public_key(*read_file(dir_ / "k.pub"))));
  ASSERT_TRUE(write_file(dir_ / "m", "manifest"));
  ASSERT_TRUE(write_file(dir_ / "m.minisig", value_of(sign(as_bytes("manifest"), key, ""))));
  EXPECT_EQ(minisign({"-V", "-m", "m", "-p", "k.pub"}).code, 0);
}

}  // namespace
}  // namespace cloister::minisign
