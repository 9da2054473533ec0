#include "keyserver/key_store.h"

#include <sys/stat.h>

#include <thread>

#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cloister::serving {
namespace {

using test::expect_error;
using test::value_of;
using testing::HasSubstr;

attest::TrustPolicy simulated_policy() {
  return {.tee = {.accept_simulated = true},
          .bundle = {.accept_any_signer = true},
          .audit = {.accept_unaudited = true}};
}

class KeyStore : public testing::Test {
 protected:
  void replace(const std::string& name, const std::string& from, const std::string& to) {
    std::string text = value_of(read_file(dir_ / name));
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    ASSERT_TRUE(write_file(dir_ / name, text.replace(at, from.size(), to)));
  }

  test::TempDir dir_;
  age::Identity identity_ = value_of(age::Identity::generate());
  std::string recipient_ = identity_.recipient().text();
};

TEST_F(KeyStore, ThereAndBack) {
  ASSERT_TRUE(add_key(dir_.path(), "release-1", identity_, simulated_policy()));
  const KeyRecord key = value_of(read_key(dir_.path(), "release-1"));
  EXPECT_EQ(key.name, "release-1");
  EXPECT_EQ(key.recipient, recipient_);
  EXPECT_EQ(key.identity, "release-1.key");
  EXPECT_TRUE(key.policy.tee.accept_simulated);
  EXPECT_FALSE(key.revoked);
  EXPECT_EQ(value_of(read_key_identity(dir_.path(), key)).at(0).text().text(),
            identity_.text().text());
  EXPECT_EQ(key_record_json(value_of(parse_key_record(key_record_json(key)))),
            key_record_json(key));
  for (const char* name : {"release-1.key", "release-1.json"}) {
    struct stat status {};
    ASSERT_EQ(::stat((dir_ / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
  EXPECT_THAT(value_of(read_file(dir_ / "release-1.json")),
              testing::Not(HasSubstr("AGE-SECRET-KEY")));
  expect_error(add_key(dir_.path(), "release-1", identity_, simulated_policy()), Kind::kUsage,
               "already");
}

TEST_F(KeyStore, Revocations) {
  ASSERT_TRUE(add_key(dir_.path(), "k", identity_, simulated_policy()));
  ASSERT_TRUE(change_key(dir_.path(), "k", [](KeyRecord& key) -> Result<> {
    key.revoked = {"2025-01-31T12:00:00Z", "the old image leaks"};
    return {};
  }));
  EXPECT_EQ(value_of(read_key(dir_.path(), "k")).revoked->why, "the old image leaks");
}

TEST_F(KeyStore, ChangesThatFailChangeNothing) {
  ASSERT_TRUE(add_key(dir_.path(), "k", identity_, simulated_policy()));
  const auto refused = change_key(dir_.path(), "k", [](KeyRecord& key) -> Result<> {
    key.revoked = {"2025-01-31T12:00:00Z", "no"};
    return invalid("not now");
  });
  expect_error(refused, Kind::kInvalid, "not now");
  EXPECT_FALSE(value_of(read_key(dir_.path(), "k")).revoked);
  expect_error(change_key(dir_.path(), "other", [](KeyRecord&) -> Result<> { return {}; }),
               Kind::kNotFound, "'other'");
}

TEST_F(KeyStore, ChangesComeOneAfterTheOther) {
  ASSERT_TRUE(add_key(dir_.path(), "k", identity_, simulated_policy()));
  constexpr int kThreads = 4;
  constexpr int kTimes = 25;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kTimes; ++j) {
        EXPECT_TRUE(change_key(dir_.path(), "k", [](KeyRecord& key) -> Result<> {
          ++key.policy.bundle.min_version;
          return {};
        }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(value_of(read_key(dir_.path(), "k")).policy.bundle.min_version,
            uint64_t{kThreads * kTimes});
}

// Revoking one of two would revoke nothing.
TEST_F(KeyStore, AnIdentityHasOneName) {
  ASSERT_TRUE(add_key(dir_.path(), "k", identity_, simulated_policy()));
  expect_error(add_key(dir_.path(), "again", identity_, simulated_policy()), Kind::kUsage,
               "is already");
}

TEST_F(KeyStore, OneBadRecordDoesNotSpoilOthers) {
  ASSERT_TRUE(add_key(dir_.path(), "good", identity_, simulated_policy()));
  ASSERT_TRUE(add_key(dir_.path(), "bad", value_of(age::Identity::generate()), simulated_policy()));
  replace("bad.json", "\"accept_simulated\": true", "\"accept_simulatd\": true");
  const auto keys = value_of(list_keys(dir_.path()));
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0].name, "bad");
  expect_error(keys[0].record, Kind::kInvalid, "unknown key 'accept_simulatd'");
  EXPECT_TRUE(keys[1].record);
}

TEST_F(KeyStore, RecordsThatAreWrong) {
  ASSERT_TRUE(add_key(dir_.path(), "k", identity_, simulated_policy()));
  fs::copy(dir_ / "k.json", dir_ / "other.json");
  expect_error(read_key(dir_.path(), "other"), Kind::kInvalid, "from the file's");
  expect_error(read_key(dir_.path(), "none"), Kind::kNotFound, "key 'none'");
  expect_error(read_key(dir_.path(), "../k"), Kind::kInvalid, "model name '../k'");
  expect_error(list_keys(dir_ / "nowhere"), Kind::kIo, "can't list");
  expect_error(add_key(dir_.path(), "a/b", identity_, simulated_policy()), Kind::kInvalid, "a/b");
  expect_error(add_key(dir_.path(), "empty", identity_, {}), Kind::kInvalid, "tee");
  EXPECT_FALSE(fs::exists(dir_ / "empty.key"));
  // A policy that accepts nothing is a mistake, found before anybody is refused for it.
  replace("k.json", "\"accept_simulated\": true", "\"accept_simulated\": false");
  expect_error(read_key(dir_.path(), "k"), Kind::kInvalid, "policy");
}

TEST_F(KeyStore, SecretsAreForTheirOwner) {
  ASSERT_TRUE(add_key(dir_.path(), "k", identity_, simulated_policy()));
  KeyRecord key = value_of(read_key(dir_.path(), "k"));
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    ASSERT_EQ(::chmod((dir_ / "k.key").c_str(), mode), 0);
    expect_error(read_key_identity(dir_.path(), key), Kind::kRefused,
                 "is accessible to users other than its owner");
  }
  ASSERT_EQ(::chmod((dir_ / "k.key").c_str(), 0400), 0);
  EXPECT_TRUE(read_key_identity(dir_.path(), key));
  key.identity = "../k.key";
  expect_error(read_key_identity(dir_.path(), key), Kind::kRefused, "..");
  key.identity = "k.json";
  expect_error(read_key_identity(dir_.path(), key), Kind::kInvalid, "key 'k'");
  key.identity = "k.key";
  key.recipient = value_of(age::Identity::generate()).recipient().text();
  expect_error(read_key_identity(dir_.path(), key), Kind::kInvalid, "is not the");
}

}  // namespace
}  // namespace cloister::serving
