#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

namespace cloister {
namespace {

TEST(Log, TextIsForPeople) {
  EXPECT_EQ(log_line(LogFormat::kText, "worker down",
                     {{"worker", "10.0.0.1:8000"}, {"why", "no answer"}, {"after_ms", 12}}),
            R"(worker down worker=10.0.0.1:8000 why="no answer" after_ms=12)");
}

TEST(Log, JsonIsForPrograms) {
  EXPECT_EQ(log_line(LogFormat::kJson, "ready", {{"ok", true}, {"ms", 1.5}, {"model", "a\"b"}}),
            R"("event":"ready","ok":true,"ms":1.5,"model":"a\"b")");
}

TEST(Log, TextsCannotForgeLines) {
  EXPECT_EQ(log_line(LogFormat::kText, "x", {{"name", "a\nb"}}), R"(x name=a\x0ab)");
  const std::string line = log_line(LogFormat::kText, "x", {{"name", std::string(1000, 'a')}});
  EXPECT_LT(line.size(), 320);
}

// Nothing that holds a tensor's bytes can be a field.
static_assert(!std::is_constructible_v<LogField, const char*, const float*>);
static_assert(!std::is_constructible_v<LogField, const char*, std::span<const std::byte>>);

TEST(Log, IsSilentUntilStarted) {
  testing::internal::CaptureStderr();
  log(LogLevel::kError, "nobody listens");
  start_logging(LogLevel::kInfo, LogFormat::kJson);
  log(LogLevel::kDebug, "too detailed");
  log(LogLevel::kInfo, "heard", {{"n", 1}});
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_THAT(
      out, testing::MatchesRegex(R"(\{"time":"[^"]+Z","level":"info","event":"heard","n":1\}.)"));
}

}  // namespace
}  // namespace cloister
