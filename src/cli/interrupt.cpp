#include "cli/interrupt.h"

#include <atomic>
#include <csignal>

namespace cloister {
namespace {

std::atomic<int> caught_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

void remember(int number) {
  caught_signal = number;
}

}  // namespace

void watch_interrupts() {
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    action.sa_handler = remember;
    // SA_RESETHAND: a second Ctrl-C ends the program at once.
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    struct sigaction before {};
    // What was ignored (nohup, a background job) stays ignored.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(number, &action, nullptr);
  }
}

bool interrupted() {
  return caught_signal != 0;
}

int interrupt_exit_code() {
  return 128 + caught_signal;
}

}  // namespace cloister
