#include "keyserver/release_log.h"

#include <algorithm>
#include <thread>

#include "base/sha256.h"
#include "base/time.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cloister::serving {
namespace {

using test::expect_error;
using test::value_of;
using testing::HasSubstr;

ReleaseEvent released(const std::string& model, uint64_t version) {
  return {.event = "released",
          .key = "one",
          .key_recipient = "age1one",
          .policy_sha256 = std::string(64, '1'),
          .model = model,
          .version = version,
          .manifest_sha256 = std::string(64, '2'),
          .config_sha256 = std::string(64, '3'),
          .kind = "snp",
          .environment = {"measurement=abc", "chip_id=def"},
          .recipient = "age1two",
          .peer = "127.0.0.1:1"};
}

class ReleaseLogTest : public testing::Test {
 protected:
  std::unique_ptr<ReleaseLog> open() {
    return value_of(
        ReleaseLog::open(path_, [] { return Time(std::chrono::seconds(1'700'000'000)); }));
  }
  std::string text() { return value_of(read_file(path_)); }
  void write(const std::string& text) { ASSERT_TRUE(write_file(path_, text)); }
  // Five lines, and the head after each.
  std::vector<LogHead> fill() {
    const auto log = open();
    std::vector<LogHead> heads;
    heads.push_back(value_of(log->add({.event = "started", .why = "a test"})));
    heads.push_back(value_of(log->add(released("m", 3))));
    heads.push_back(
        value_of(log->add({.event = "refused", .peer = "p", .why = "\"quoted\" \\xff \u00e9"})));
    heads.push_back(value_of(log->add({.event = "revoked", .key = "one", .why = "lost"})));
    heads.push_back(value_of(log->add(released("n", 1))));
    return heads;
  }

  test::TempDir dir_;
  fs::path path_ = dir_ / "log";
};

TEST_F(ReleaseLogTest, IsAChain) {
  const auto heads = fill();
  std::vector<std::string> lines;
  const std::string log = text();
  for (size_t at = 0; at < log.size();) {
    const size_t end = log.find('\n', at) + 1;
    lines.push_back(log.substr(at, end - at));
    at = end;
  }
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_THAT(lines[0], testing::StartsWith(R"({"schema":"cloister/release/1","seq":1,)"
                                            R"("time":"2023-11-14T22:13:20Z","previous":"0000)"));
  for (size_t i = 0; i < lines.size(); ++i) {
    // As `sha256sum` has it of the line.
    EXPECT_EQ(heads[i], (LogHead{i + 1, to_hex(sha256(as_bytes(lines[i])))}));
    if (i > 0) EXPECT_THAT(lines[i], HasSubstr(heads[i - 1].sha256));
  }
  const auto again = open();
  EXPECT_EQ(again->head(), heads[4]);
  EXPECT_EQ(value_of(again->add(released("m", 4))).seq, 6U);
}

TEST_F(ReleaseLogTest, IsTheState) {
  fill();
  const auto log = open();
  EXPECT_EQ(log->state().latest("age1one", "m"), 3U);
  EXPECT_EQ(log->state().latest("age1one", "n"), 1U);
  EXPECT_EQ(log->state().latest("age1other", "m"), 0U);
  EXPECT_THAT(log->state().revoked, testing::ElementsAre(testing::Pair("one", "lost")));
  // What was refused counts for nothing; what is lower lowers nothing.
  auto refused = released("m", 9);
  refused.event = "refused";
  value_of(log->add(refused));
  value_of(log->add(released("m", 2)));
  value_of(log->add({.event = "restored", .key = "one"}));
  EXPECT_EQ(log->state().latest("age1one", "m"), 3U);
  EXPECT_TRUE(log->state().revoked.empty());
}

// All but the last line, which only a head that is kept elsewhere can vouch for.
TEST_F(ReleaseLogTest, EveryChangedByteIsFound) {
  const auto heads = fill();
  const std::string good = text();
  const size_t last = good.rfind('\n', good.size() - 2) + 1;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int bit : {0, 1, 5, 7}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 1 << bit);
      const auto read = read_log(bad, nullptr);
      if (i < last) {
        EXPECT_FALSE(read) << i;
      } else {
        EXPECT_TRUE(!read || read->head != heads[4]) << i;
      }
    }
  }
}

TEST_F(ReleaseLogTest, LinesLeftOutOrMovedAreFound) {
  fill();
  const std::string good = text();
  std::vector<size_t> ends;
  for (size_t at = 0; (at = good.find('\n', at)) != std::string::npos;) ends.push_back(++at);
  for (size_t i = 0; i + 1 < ends.size(); ++i) {
    const size_t start = i == 0 ? 0 : ends[i - 1];
    std::string without = good;
    without.erase(start, ends[i] - start);
    write(without);
    expect_error(ReleaseLog::open(path_, nullptr), Kind::kRefused,
                 fmt::format("line {}: seq: {}, want {}", i + 1, i + 2, i + 1));
    std::string twice = good;
    twice.insert(start, good.substr(start, ends[i] - start));
    EXPECT_FALSE(read_log(twice, nullptr));
  }
  std::string spaced = good;
  spaced.insert(1, " ");
  expect_error(read_log(spaced, nullptr), Kind::kRefused,
               "line 1: differs from how the server writes");
  expect_error(read_log("\n" + good, nullptr), Kind::kRefused, "line 1:");
}

// A crash while the last line was written: nobody was answered.
TEST_F(ReleaseLogTest, ATornLineIsCutOff) {
  const auto heads = fill();
  const std::string good = text();
  const size_t last = good.rfind('\n', good.size() - 2) + 1;
  for (size_t size = last; size < good.size(); size += 11) {
    write(good.substr(0, size));
    const auto log = open();
    EXPECT_EQ(log->head(), heads[3]) << size;
    EXPECT_EQ(text(), good.substr(0, last));
  }
  write(good.substr(0, last) + std::string(4096, '\0'));
  const auto log = open();
  EXPECT_EQ(value_of(log->add(released("m", 5))).seq, 5U);
  EXPECT_TRUE(read_log(text(), nullptr));
}

// A log that was moved away goes on in another file, with its chain and its state.
TEST_F(ReleaseLogTest, GoesOnInAnotherFile) {
  const fs::path old = dir_ / "log.1";
  fill();
  const auto log = open();
  EXPECT_FALSE(value_of(log->reopen())) << "it is where it was";
  const LogHead before = log->head();
  fs::rename(path_, old);
  const LogHead still = value_of(log->add(released("m", 4)));
  EXPECT_TRUE(value_of(log->reopen()));
  const LogHead after = value_of(log->add(released("m", 5)));

  const auto first = value_of(read_log(value_of(read_file(old)), nullptr));
  EXPECT_EQ(first.head, still);
  EXPECT_EQ(first.head.seq, before.seq + 1);
  const std::string rest = text();
  const auto second = value_of(read_log(rest, nullptr, first.head));
  EXPECT_EQ(second.head, after);
  EXPECT_EQ(value_of(read_log(rest, nullptr)).head, after) << "nothing else is known";
  expect_error(read_log(rest, nullptr, before), Kind::kRefused, "seq: 7, want 6");
  expect_error(read_log(rest, nullptr, {first.head.seq, std::string(64, 'a')}), Kind::kRefused,
               "previous: ");

  // Whoever has the new file only knows what counts.
  const ReleaseState state = log->state();
  EXPECT_EQ(state.released.size(), 2U);
  const auto again = [&] {
    const fs::path copy = dir_ / "copy";
    EXPECT_TRUE(write_file(copy, rest));
    return value_of(ReleaseLog::open(copy, [] { return Time(); }))->state();
  }();
  EXPECT_EQ(again.released, state.released);
  EXPECT_EQ(again.revoked, state.revoked);
  EXPECT_EQ(again.latest("age1one", "m"), 5U);
}

TEST_F(ReleaseLogTest, GoesOnInNoFileOfOthers) {
  fill();
  const auto log = open();
  fs::rename(path_, dir_ / "log.1");
  write("something\n");
  expect_error(log->reopen(), Kind::kRefused, "is another file");
  EXPECT_EQ(text(), "something\n");
  EXPECT_TRUE(log->add(released("m", 4)));
  fs::remove(path_);
  EXPECT_TRUE(value_of(log->reopen()));
  EXPECT_TRUE(log->add(released("m", 5)));
}

// Only the first line may say that it continues something.
TEST_F(ReleaseLogTest, ContinuationsInBetweenAreFound) {
  fill();
  const auto log = open();
  fs::rename(path_, dir_ / "log.1");
  ASSERT_TRUE(value_of(log->reopen()));
  const std::string rest = text();
  expect_error(read_log(rest + rest, nullptr), Kind::kRefused, "seq: ");
}

TEST_F(ReleaseLogTest, IsHeldByOne) {
  const auto log = open();
  expect_error(ReleaseLog::open(path_, nullptr), Kind::kUnavailable, "in use");
}

TEST_F(ReleaseLogTest, ManyAtOnce) {
  const auto log = open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (uint64_t n = 1; n <= 25; ++n) EXPECT_TRUE(log->add(released("m", n)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(log->head().seq, 100U);
  EXPECT_EQ(value_of(read_log(text(), nullptr)).head, log->head());
}

TEST_F(ReleaseLogTest, WhatCouldNotBeReadIsNotWritten) {
  const auto log = open();
  auto event = released("m", 1);
  event.peer = std::string(300, 'x');
  expect_error(log->add(event), Kind::kInternal, "peer");
  EXPECT_EQ(text(), "");
  EXPECT_EQ(log->state().latest("age1one", "m"), 0U);
}

TEST(LogHeadTest, AsText) {
  const std::string digest(64, 'a');
  EXPECT_EQ(value_of(parse_head("12:" + digest)), (LogHead{12, digest}));
  for (const std::string& bad : {std::string(), ":" + digest, "12:" + digest + "a", "12" + digest,
                                 "x:" + digest, "12:" + std::string(64, 'A'), "-1:" + digest}) {
    expect_error(parse_head(bad), Kind::kUsage, "want SEQ:SHA256");
  }
}

}  // namespace
}  // namespace cloister::serving
