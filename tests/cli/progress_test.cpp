// What people see of long work, on a terminal (a pty) and elsewhere.
#include "cli/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace cloister {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

// A clock that stands still until it is told to move.
struct FakeClock {
  std::chrono::steady_clock::time_point now;
  Progress::Clock get() {
    return [this] { return now; };
  }
};

std::string content(std::FILE* file) {
  std::fflush(file);
  std::rewind(file);
  std::string text(10'000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(Progress, PlainLinesComeNowAndThen) {
  std::FILE* file = std::tmpfile();
  FakeClock clock;
  {
    Progress progress("train", file, clock.get());
    for (int i = 0; i <= 40; ++i) {
      progress.update(i / 40.0, "loss 0.5");
      clock.now += seconds(1);
    }
    progress.line("epoch 1/1");
    progress.finish("done");
  }
  EXPECT_EQ(content(file),
            "train   25 %  30 s left  loss 0.5\n"
            "train   50 %  20 s left  loss 0.5\n"
            "train   75 %  10 s left  loss 0.5\n"
            "train  100 %  0 s left  loss 0.5\n"
            "epoch 1/1\ndone\n");
  std::fclose(file);
}

TEST(Progress, WhatWasDoneBeforeDoesNotCountForTheTimeLeft) {
  std::FILE* file = std::tmpfile();
  FakeClock clock;
  Progress progress("train", file, clock.get());
  progress.update(0.5);
  clock.now += seconds(10);
  progress.update(0.6);
  EXPECT_EQ(content(file), "train   60 %  40 s left\n");
  std::fclose(file);
}

TEST(Progress, DrawsOneLineOnATerminalAndTakesItAway) {
  const int main_side = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(main_side >= 0 && ::grantpt(main_side) == 0 && ::unlockpt(main_side) == 0);
  std::FILE* terminal = std::fopen(::ptsname(main_side), "w");
  ASSERT_NE(terminal, nullptr);
  const winsize size{24, 80, 0, 0};
  ::ioctl(main_side, TIOCSWINSZ, &size);
  ::setenv("TERM", "xterm", 1);
  FakeClock clock;
  {
    Progress progress("train", terminal, clock.get());
    progress.update(0);
    clock.now += milliseconds(50);
    progress.update(0.1);  // too soon
    clock.now += seconds(2);
    progress.update(0.5, "loss 0.5");
    progress.line("epoch 1/2");
  }
  std::fclose(terminal);
  // A terminal hands over what was written bit by bit, and ends with EIO.
  std::string text;
  char part[1000];
  for (ssize_t got = 0; (got = ::read(main_side, part, sizeof(part))) > 0;) {
    text.append(part, static_cast<size_t>(got));
  }
  ::close(main_side);
  EXPECT_THAT(text, StartsWith("\rtrain  [>"));
  EXPECT_THAT(text, HasSubstr("\rtrain  [============>           ]   50 %  3 s left  loss 0.5"));
  EXPECT_THAT(text, HasSubstr("\r\x1b[Kepoch 1/2\r\n"));
  EXPECT_EQ(text.find("10 %"), text.npos);
}

TEST(Progress, ANarrowTerminalLosesTheBarFirst) {
  EXPECT_EQ(progress_text("train", 1, 0, "", 80),
            "train  [" + std::string(24, '=') + "]  100 %  0 s left");
  EXPECT_EQ(progress_text("train", 0.5, -1, "loss 0.5", 30), "train   50 %  loss 0.5");
  EXPECT_EQ(progress_text("train", 0.5, -1, "loss 0.5", 12), "train   50 %");
}

TEST(Progress, Durations) {
  EXPECT_EQ(duration_text(0.2), "1 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(7500), "2 h 05 min");
  EXPECT_EQ(duration_text(-1), "0 s");
}

}  // namespace
}  // namespace cloister
