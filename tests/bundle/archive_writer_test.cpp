#include "bundle/archive_writer.h"

#include "base/sha256.h"
#include "tests/bundle/sample_bundle.h"
#include "tests/support/age_text.h"

namespace cloister::bundle {
namespace {

using test::expect_error;
using test::value_of;

class ArchiveWriterTest : public testing::Test {
 protected:
  bool is_clean() const {
    return std::distance(fs::directory_iterator(dir_.path()), fs::directory_iterator()) == 0;
  }

  test::TempDir dir_;
  fs::path path_ = dir_ / "a.zip";
};

TEST_F(ArchiveWriterTest, PlainAndEncrypted) {
  std::vector<age::Identity> identities;
  identities.push_back(value_of(age::Identity::generate()));
  ArchiveWriter writer = value_of(ArchiveWriter::start(path_));
  const Entry plain = value_of(writer.add("a", "hello"));
  EXPECT_EQ(plain.sha256, to_hex(sha256(as_bytes("hello"))));
  EXPECT_EQ(plain.bytes, 5U);
  EXPECT_FALSE(plain.plain_bytes);
  const std::string secret(150'000, 's');
  const Entry sealed = value_of(writer.add_encrypted(
      "b.age", {identities[0].recipient()}, [&](const age::Sink& sink) -> Result<> {
        TRY_OK(sink(as_bytes(secret).first(70'000)));
        return sink(as_bytes(secret).subspan(70'000));
      }));
  EXPECT_EQ(sealed.plain_bytes, secret.size());
  EXPECT_EQ(sealed.plain_sha256, to_hex(sha256(as_bytes(secret))));
  ASSERT_TRUE(writer.finish({"b.age", "a"}));
  const test::Entries entries = test::read_zip(path_);
  EXPECT_EQ(entries[0].first, "b.age");
  EXPECT_EQ(entries[0].second.size(), sealed.bytes);
  EXPECT_EQ(to_hex(sha256(as_bytes(entries[0].second))), sealed.sha256);
  EXPECT_EQ(value_of(age::decrypt_text(entries[0].second, identities)), secret);
  EXPECT_EQ(entries[1].second, "hello");
}

TEST_F(ArchiveWriterTest, LeavesNothingBehind) {
  {
    ArchiveWriter writer = value_of(ArchiveWriter::start(path_));
    ASSERT_TRUE(writer.add("a", "hello"));
    EXPECT_FALSE(is_clean());
    expect_error(writer.add("b", [](const age::Sink&) -> Result<> { return invalid("no"); }),
                 Kind::kInvalid, "a.zip': no");
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(ArchiveWriterTest, WhereNothingCanBeWritten) {
  expect_error(ArchiveWriter::start("/none/a.zip"), Kind::kIo, "'/none/a.zip': No such file");
  expect_error(ArchiveWriter::start("/dev/null"), Kind::kIo, "must be a regular file");
}

}  // namespace
}  // namespace cloister::bundle
