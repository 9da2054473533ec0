#include "bundle/age.h"

#include <algorithm>

#include "tests/support/age_text.h"
#include "tests/support/graphs.h"
#include "tests/support/tools.h"

namespace cloister::age {
namespace {

using test::expect_error;
using test::value_of;
using testing::HasSubstr;

// Of age's documentation.
constexpr const char* kSecret =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
constexpr const char* kPublic = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

constexpr size_t kSizes[] = {0,      1,      100,    65535,     65536,        65537,
                             131071, 131072, 131073, 5 * 65536, 5 * 65536 + 7};

std::string pattern(size_t size) {
  std::string text(size, '\0');
  uint32_t state = 7;
  for (char& c : text) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

std::vector<Identity> one(Identity identity) {
  std::vector<Identity> identities;
  identities.push_back(std::move(identity));
  return identities;
}

std::vector<Identity> known() {
  return one(value_of(Identity::parse(kSecret)));
}

std::string sealed(std::string_view plain) {
  return value_of(encrypt_text(plain, {value_of(Recipient::parse(kPublic))}));
}

// A header that is right but for what the test changes; its MAC is not.
std::string header(const std::string& stanzas) {
  return "age-encryption.org/v1\n" + stanzas + "--- " + std::string(42, 'A') + "A\n";
}

TEST(Age, KeysAsAgeHasThem) {
  const Identity identity = value_of(Identity::parse(kSecret));
  EXPECT_EQ(identity.recipient().text(), kPublic);
  EXPECT_EQ(identity.text().text(), kSecret);
  const Identity fresh = value_of(Identity::generate());
  EXPECT_NE(fresh.text().text(), value_of(Identity::generate()).text().text());
  EXPECT_EQ(value_of(Identity::parse(fresh.text().text())).recipient(), fresh.recipient());
  EXPECT_EQ(value_of(Recipient::parse(fresh.recipient().text())), fresh.recipient());
}

TEST(Age, KeysThatAreNone) {
  expect_error(Recipient::parse("age1zvkyg2lqzraa"), Kind::kInvalid,
               "recipient 'age1zvkyg2lqzraa'");
  expect_error(Recipient::parse(kSecret), Kind::kInvalid, "a secret key where the recipient");
  std::string upper = kPublic;
  std::ranges::transform(upper, upper.begin(), ::toupper);
  expect_error(Recipient::parse(upper), Kind::kInvalid, "want lower case");
  expect_error(Identity::parse(kPublic), Kind::kInvalid, "not an age identity");
  expect_error(Identity::parse("AGE-PLUGIN-YUBIKEY-1QQ"), Kind::kUnsupported, "plugin");
  std::string damaged = kSecret;
  damaged[30] = 'Q';
  const auto error = Identity::parse(damaged);
  expect_error(error, Kind::kInvalid, "checksum");
  EXPECT_THAT(error.error().message, testing::Not(HasSubstr(damaged.substr(20, 10))));
}

TEST(Age, KeysOfOtherKindsAreNamed) {
  const std::string ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHhW a@b";
  const std::pair<std::string, const char*> recipients[] = {
      {"age1pq1qqqsyqcyq5rqwzqfpg9scrgwpug", "hybrid post-quantum"},
      {"age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt", "age plugin"},
      {"age1tag1qqqsyqcyq5rqwzqfpg9scrgwpug", "age plugin"},
      {ssh, "an SSH key"},
      {"ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", "an SSH key"},
      {"ecdsa-sha2-nistp256 AAAAE2VjZHNh", "an SSH key"},
  };
  for (const auto& [text, part] : recipients) {
    expect_error(Recipient::parse(text), Kind::kUnsupported, part);
    expect_error(Recipient::parse(text), Kind::kUnsupported,
                 "the only kind supported is X25519, 'age1...'");
  }
  const std::pair<const char*, const char*> identities[] = {
      {"AGE-SECRET-KEY-PQ-1QQQSYQCYQ5RQWZQFPG9SCRGWPUG", "hybrid post-quantum"},
      {"AGE-PLUGIN-YUBIKEY-1QQ", "age plugin"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----", "PEM"},
      {"-----BEGIN AGE ENCRYPTED FILE-----", "encrypted"},
  };
  for (const auto& [text, part] : identities) {
    expect_error(Identity::parse(text), Kind::kUnsupported, part);
    expect_error(parse_identities(text), Kind::kUnsupported,
                 "the only kind supported is X25519, 'AGE-SECRET-KEY-1...'");
  }
}

TEST(Age, KeyFiles) {
  const std::string file =
      "# created: today\n# public key: " + std::string(kPublic) + "\n\n" + kSecret + "\r\n";
  EXPECT_EQ(value_of(parse_identities(file))[0].recipient().text(), kPublic);
  EXPECT_EQ(value_of(parse_identities(file + kSecret)).size(), 2U);
  EXPECT_EQ(value_of(parse_recipients("#\n" + std::string(kPublic)))[0].text(), kPublic);
  expect_error(parse_identities("# none\n"), Kind::kInvalid, "no AGE-SECRET-KEY-1... in it");
  expect_error(parse_identities("\n\nAGE-SECRET-KEY-1"), Kind::kInvalid, "line 3: not an age");
  expect_error(parse_recipients("ssh-ed25519 AAAA"), Kind::kUnsupported,
               "line 1: recipient 'ssh-ed25519 AAAA': an SSH key");
}

TEST(Age, ThereAndBack) {
  for (const size_t size : kSizes) {
    const std::string plain = pattern(size);
    const std::string file = sealed(plain);
    EXPECT_EQ(value_of(decrypt_text(file, known())), plain) << size;
    const size_t chunks = std::max<size_t>(1, (size + 65535) / 65536);
    const size_t start = file.find('\n', file.find("\n---") + 1) + 1;
    EXPECT_EQ(file.size(), start + 16 + size + 16 * chunks) << size;
    EXPECT_NE(sealed(plain), file);
  }
}

// However the bytes arrive.
TEST(Age, InPieces) {
  const std::string plain = pattern(200'000);
  for (const size_t piece : {1, 7, 65535, 65536, 65537, 200'000}) {
    std::string file;
    Encryptor encryptor = value_of(
        Encryptor::start({value_of(Recipient::parse(kPublic))}, [&](Bytes bytes) -> Result<> {
          file += as_text(bytes);
          return {};
        }));
    for (size_t at = 0; at < plain.size(); at += piece) {
      ASSERT_TRUE(encryptor.write(as_bytes(plain).subspan(at, std::min(piece, plain.size() - at))));
    }
    ASSERT_TRUE(encryptor.finish());
    EXPECT_EQ(value_of(decrypt_text(file, known())), plain) << piece;
  }
}

TEST(Age, IntoABufferOfItsSize) {
  const std::string plain = pattern(70'000);
  const std::string file = sealed(plain);
  const auto into = [&](size_t size) -> Result<std::string> {
    size_t at = 0;
    std::string out(size, '\0');
    const Source source = [&](MutableBytes room) -> Result<size_t> {
      const size_t step = std::min(room.size(), file.size() - at);
      std::ranges::copy(as_bytes(file).subspan(at, step), room.begin());
      at += step;
      return step;
    };
    TRY_OK(decrypt(source, known(), {reinterpret_cast<std::byte*>(out.data()), out.size()}));
    return out;
  };
  EXPECT_EQ(value_of(into(plain.size())), plain);
  expect_error(into(plain.size() - 1), Kind::kInvalid, "more than the");
  expect_error(into(65536), Kind::kInvalid, "more than the remaining 0 bytes");
  expect_error(into(0), Kind::kInvalid, "more than the remaining 0 bytes");
  expect_error(into(plain.size() + 1), Kind::kInvalid, "holds 70000 bytes, want 70001");
}

TEST(Age, ErrorsOfSourceAndSinkArePassedOn) {
  const Sink full = [](Bytes) -> Result<> { return fail(Kind::kIo, "the disk is full"); };
  expect_error(Encryptor::start({value_of(Recipient::parse(kPublic))}, full), Kind::kIo, "full");
  const Source gone = [](MutableBytes) -> Result<size_t> { return fail(Kind::kIo, "gone"); };
  expect_error(Decryptor::open(gone, known()), Kind::kIo, "gone");
  expect_error(Encryptor::start({}, full), Kind::kUsage, "no recipients");
}

TEST(Age, ManyRecipients) {
  std::vector<Recipient> recipients;
  std::vector<Identity> identities;
  for (int i = 0; i < 5; ++i) {
    identities.push_back(value_of(Identity::generate()));
    recipients.push_back(identities.back().recipient());
  }
  const std::string file = value_of(encrypt_text("hello", recipients));
  for (Identity& identity : identities) {
    EXPECT_EQ(value_of(decrypt_text(file, one(std::move(identity)))), "hello");
  }
  expect_error(decrypt_text(file, known()), Kind::kRefused,
               "no recipient of this file has the given key; recipients: 5 X25519");
  expect_error(decrypt_text(file, {}), Kind::kRefused, "one of the 0 given keys");
}

TEST(Age, EveryFlippedBitIsFound) {
  const std::string file = sealed("some weights");
  for (size_t i = 0; i < file.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string bad = file;
      bad[i] = static_cast<char>(bad[i] ^ 1 << bit);
      EXPECT_FALSE(decrypt_text(bad, known())) << i;
    }
  }
}

TEST(Age, EveryTruncationIsFound) {
  const std::string small = sealed("some weights");
  for (size_t size = 0; size < small.size(); ++size) {
    EXPECT_FALSE(decrypt_text(small.substr(0, size), known())) << size;
  }
  const std::string file = sealed(pattern(3 * 65536));
  const size_t payload = file.size() - 3 * 65552;
  for (size_t chunk = 0; chunk < 3; ++chunk) {
    for (const size_t more : {0, 1, 15, 16, 17, 65551}) {
      EXPECT_FALSE(decrypt_text(file.substr(0, payload + chunk * 65552 + more), known()));
    }
  }
  EXPECT_FALSE(decrypt_text(file + "x", known()));
  EXPECT_FALSE(decrypt_text(file + file.substr(payload), known()));
  // Chunks in another order, and one left out.
  const auto chunk = [&](size_t i) { return file.substr(payload + i * 65552, 65552); };
  const std::string start = file.substr(0, payload);
  EXPECT_TRUE(decrypt_text(start + chunk(0) + chunk(1) + chunk(2), known()));
  EXPECT_FALSE(decrypt_text(start + chunk(1) + chunk(0) + chunk(2), known()));
  EXPECT_FALSE(decrypt_text(start + chunk(0) + chunk(2), known()));
}

TEST(Age, HeadersThatAreWrong) {
  const std::string share(43, 'A');
  const std::string body(43, 'A');
  const std::pair<std::string, std::string> cases[] = {
      {"", "not an age file"},
      {"age-encryption.org/v1", "truncated"},
      {"age-encryption.org/v1\r\n", "want 'age-encryption.org/v1'"},
      {"age-encryption.org/v2\n", "want 'age-encryption.org/v1'"},
      {"-----BEGIN AGE ENCRYPTED FILE-----\n", "armored"},
      {header(""), "no recipients"},
      {header("hello\n"), "the line 'hello'"},
      {header("-> \n\n"), "malformed"},
      {header("-> X25519  " + share + "\n" + body + "\n"), "malformed"},
      {header("-> X25519 " + share + " \n" + body + "\n"), "malformed"},
      {header("-> X25519 a\x7f\n" + body + "\n"), "malformed"},
      {header("-> X25519\n" + body + "\n"), "0 arguments"},
      {header("-> X25519 " + share + " x\n" + body + "\n"), "2 arguments"},
      {header("-> X25519 AAAA\n" + body + "\n"), "share of 3 bytes"},
      {header("-> X25519 " + share + "\n\n"), "body of 0 bytes"},
      {header("-> X25519 " + share + "=\n" + body + "\n"), "base64"},
      {header("-> X25519 " + share + "\n" + body + "\n"), "low order"},
      {header("-> x a\n" + std::string(65, 'A') + "\n"), "65 letters"},
      {header("-> x a\n" + std::string(64, 'A') + "\n"), "'-'"},
      {header("-> scrypt a 18\n" + body + "\n-> x y\n\n"), "a passphrase together"},
      {"age-encryption.org/v1\n-> x\n\n--- AAAA\n", "a MAC of 3 bytes"},
      {"age-encryption.org/v1\n-> x\n\n---\n", "want '->' or '---'"},
      {"age-encryption.org/v1\n-> x" + std::string(70'000, 'x'), "longer than 65536"}};
  for (const auto& [file, part] : cases) {
    const auto opened = decrypt_text(file, known());
    ASSERT_FALSE(opened) << file.substr(0, 100);
    EXPECT_THAT(opened.error().message, HasSubstr(part)) << file.substr(0, 100);
  }
  expect_error(decrypt_text(header("-> ssh-ed25519 x y\n\n-> a-grease\n\n-> b\n\n"), known()),
               Kind::kRefused, "recipients: 1 a-grease, 1 b, 1 ssh-ed25519");
}

TEST(Age, ARecipientThatIsAddedLaterIsFound) {
  const std::string file = sealed("x");
  std::string more = file;
  more.insert(file.find("---"), "-> joint\n\n");
  expect_error(decrypt_text(more, known()), Kind::kInvalid, "its MAC is wrong");
}

// The header of a file, and the rest.
std::pair<std::string, std::string> split(const std::string& file) {
  const std::string head = value_of(read_header([&](MutableBytes room) -> Result<size_t> {
    const size_t size = std::min(room.size(), file.size());
    std::ranges::copy(as_bytes(file).first(size), room.begin());
    return size;
  }));
  return {head, file.substr(head.size())};
}

Result<std::string> decrypt_released(const std::string& file,
                                     const std::vector<Identity>& identities,
                                     std::string_view released, size_t size) {
  std::string out(size, '\0');
  TRY_OK(decrypt(source_of(file), identities, {reinterpret_cast<std::byte*>(out.data()), size},
                 released));
  return out;
}

TEST(Age, AHeaderWrappedAnewIsForItsRecipientAlone) {
  const std::string plain = pattern(100'000);
  const std::string file = sealed(plain);
  const auto [header, payload] = split(file);
  EXPECT_EQ(header + payload, file);
  const std::vector<Identity> fresh = one(value_of(Identity::generate()));
  const std::string released = value_of(rewrap(header, known(), fresh[0].recipient()));
  EXPECT_NE(released, value_of(rewrap(header, known(), fresh[0].recipient())));

  EXPECT_EQ(value_of(decrypt_text(released + payload, fresh)), plain);
  expect_error(decrypt_text(released + payload, known()), Kind::kRefused, "no recipient");
  // The same without splicing.
  EXPECT_EQ(value_of(decrypt_released(file, fresh, released, plain.size())), plain);
  expect_error(decrypt_released(file, known(), released, plain.size()), Kind::kRefused,
               "released: no recipient");
}

TEST(Age, NoHeaderIsWrappedAnewThatWasAltered) {
  const auto [header, payload] = split(sealed("weights"));
  const std::vector<Identity> fresh = one(value_of(Identity::generate()));
  const Recipient& to = fresh[0].recipient();
  for (size_t i = 0; i < header.size(); ++i) {
    std::string bad = header;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(rewrap(bad, known(), to)) << i;
    EXPECT_FALSE(rewrap(header.substr(0, i), known(), to)) << i;
  }
  expect_error(rewrap(header + "x", known(), to), Kind::kInvalid, "1 bytes after it");
  expect_error(rewrap(header, fresh, to), Kind::kRefused, "no recipient");
  expect_error(rewrap(header, known(), Recipient({})), Kind::kInvalid, "low order");
}

// It is good for the file that it was made of, as that was.
TEST(Age, AHeaderOfAnotherFileOpensNothing) {
  const std::string file = sealed("weights");
  const std::vector<Identity> fresh = one(value_of(Identity::generate()));
  const std::string other =
      value_of(rewrap(split(sealed("another")).first, known(), fresh[0].recipient()));
  expect_error(decrypt_released(file, fresh, other, 7), Kind::kInvalid, "MAC is wrong");
  const std::string released = value_of(rewrap(split(file).first, known(), fresh[0].recipient()));
  std::string more = file;
  more.insert(more.find("---"), "-> joint\n\n");
  expect_error(decrypt_released(more, fresh, released, 7), Kind::kInvalid, "MAC is wrong");
  for (size_t i = 0; i < released.size(); ++i) {
    std::string bad = released;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(decrypt_released(file, fresh, bad, 7)) << i;
  }
}

class AgeTool : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(write_file(dir_ / "key.txt", kSecret)); }

  test::Finished age(const test::Arguments& arguments) {
    return test::run_tool("age", arguments, dir_);
  }

  test::TempDir dir_;
};

TEST_F(AgeTool, OpensWhatWeSeal) {
  SKIP_WITHOUT("age");
  for (const size_t size : kSizes) {
    const std::string plain = pattern(size);
    ASSERT_TRUE(write_file(dir_ / "m.age", sealed(plain)));
    const auto done = age({"-d", "-i", "key.txt", "-o", "m", "m.age"});
    EXPECT_EQ(done.code, 0) << size << done.err;
    // It makes no file for nothing.
    EXPECT_EQ(read_file(dir_ / "m").value_or(""), plain) << size;
    fs::remove(dir_ / "m");
  }
}

TEST_F(AgeTool, SealsWhatWeOpen) {
  SKIP_WITHOUT("age");
  for (const size_t size : kSizes) {
    const std::string plain = pattern(size);
    ASSERT_TRUE(write_file(dir_ / "m", plain));
    const auto done = age({"-r", kPublic, "-o", "m.age", "m"});
    ASSERT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(value_of(decrypt_text(*read_file(dir_ / "m.age"), known())), plain) << size;
  }
}

TEST_F(AgeTool, ManyRecipientsOfManyKinds) {
  SKIP_WITHOUT("age");
  ASSERT_EQ(test::run_tool("age-keygen", {"-o", "other.txt"}, dir_).code, 0);
  const auto other = value_of(parse_identities(*read_file(dir_ / "other.txt")));
  ASSERT_TRUE(write_file(dir_ / "m", "hello"));
  const std::string ssh =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
  ASSERT_TRUE(write_file(dir_ / "ssh.pub", ssh + "\n"));
  const auto done =
      age({"-r", other[0].recipient().text(), "-R", "ssh.pub", "-r", kPublic, "-o", "m.age", "m"});
  ASSERT_EQ(done.code, 0) << done.err;
  const std::string file = *read_file(dir_ / "m.age");
  EXPECT_EQ(value_of(decrypt_text(file, known())), "hello");
  EXPECT_EQ(value_of(decrypt_text(file, other)), "hello");
  expect_error(decrypt_text(file, one(value_of(Identity::generate()))), Kind::kRefused,
               "recipients: 2 X25519, 1 ssh-ed25519");
  ASSERT_EQ(age({"-a", "-r", kPublic, "-o", "armored", "m"}).code, 0);
  expect_error(decrypt_text(*read_file(dir_ / "armored"), known()), Kind::kUnsupported, "armored");
}

TEST_F(AgeTool, TakesOurKeys) {
  SKIP_WITHOUT("age");
  const Identity identity = value_of(Identity::generate());
  ASSERT_TRUE(write_file(dir_ / "ours.txt", identity.text().text()));
  const auto shown = test::run_tool("age-keygen", {"-y", "ours.txt"}, dir_);
  EXPECT_EQ(shown.out, identity.recipient().text() + "\n") << shown.err;
}

TEST_F(AgeTool, OpensWhatIsWrappedAnew) {
  SKIP_WITHOUT("age");
  const std::string plain = pattern(200'000);
  ASSERT_TRUE(write_file(dir_ / "m", plain));
  const auto made = age({"-r", kPublic, "-o", "m.age", "m"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto [header, payload] = split(value_of(read_file(dir_ / "m.age")));
  const Identity fresh = value_of(Identity::generate());
  ASSERT_TRUE(write_file(dir_ / "fresh.txt", fresh.text().text()));
  ASSERT_TRUE(
      write_file(dir_ / "r.age", value_of(rewrap(header, known(), fresh.recipient())) + payload));
  const auto opened = age({"-d", "-i", "fresh.txt", "-o", "r", "r.age"});
  EXPECT_EQ(opened.code, 0) << opened.err;
  EXPECT_EQ(value_of(read_file(dir_ / "r")), plain);
  EXPECT_NE(age({"-d", "-i", "key.txt", "-o", "none", "r.age"}).code, 0);
}

}  // namespace
}  // namespace cloister::age
