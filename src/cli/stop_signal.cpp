#include "cli/stop_signal.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace cloister {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : signals) ::sigaddset(&set, number);
  return set;
}

const sigset_t kStops = set_of({SIGINT, SIGTERM});
const sigset_t kHangup = set_of({SIGHUP});
const sigset_t kStopsAndHangup = set_of({SIGINT, SIGTERM, SIGHUP});

}  // namespace

void hold_stop_signals() {
  ::pthread_sigmask(SIG_BLOCK, &kStops, nullptr);
}

void hold_hangups() {
  ::pthread_sigmask(SIG_BLOCK, &kHangup, nullptr);
}

StopsEndAtOnce::StopsEndAtOnce() {
  ::pthread_sigmask(SIG_UNBLOCK, &kStops, nullptr);
}

StopsEndAtOnce::~StopsEndAtOnce() {
  hold_stop_signals();
}

bool stop_comes_within(std::chrono::milliseconds limit) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(limit);
  const timespec time{.tv_sec = seconds.count(),
                      .tv_nsec = std::chrono::nanoseconds(limit - seconds).count()};
  return ::sigtimedwait(&kStops, nullptr, &time) > 0;
}

void announce_and_wait(const nlohmann::json& where, const std::function<void()>& on_hangup) {
  fmt::print("{}\n", where.dump());
  std::fflush(stdout);
  int number = 0;
  while (number == 0) {
    if (::sigwait(on_hangup ? &kStopsAndHangup : &kStops, &number) != 0) number = 0;
    if (number != SIGHUP) continue;
    on_hangup();
    number = 0;
  }
  ::pthread_sigmask(SIG_UNBLOCK, &kStops, nullptr);
  log(LogLevel::kInfo, "stopping", {{"signal", number}});
}

}  // namespace cloister
