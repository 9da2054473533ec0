#include "cli/stop_signal.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace cloister {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void hold_stop_signals() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

StopsEndAtOnce::StopsEndAtOnce() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

StopsEndAtOnce::~StopsEndAtOnce() {
  hold_stop_signals();
}

bool stop_comes_within(std::chrono::milliseconds limit) {
  const sigset_t set = stop_signals();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(limit);
  const timespec time{.tv_sec = seconds.count(),
                      .tv_nsec = std::chrono::nanoseconds(limit - seconds).count()};
  return ::sigtimedwait(&set, nullptr, &time) > 0;
}

void announce_and_wait(const nlohmann::json& where) {
  fmt::print("{}\n", where.dump());
  std::fflush(stdout);
  const sigset_t set = stop_signals();
  int number = 0;
  while (::sigwait(&set, &number) != 0) {
  }
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  log(LogLevel::kInfo, "stopping", {{"signal", number}});
}

}  // namespace cloister
