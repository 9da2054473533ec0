// How a server waits to be stopped.
#pragma once

#include <chrono>

namespace cloister {

// From now on SIGINT and SIGTERM wait for wait_for_stop(). Call it before threads are made.
void hold_stop_signals();

// Whether one of them comes within that time.
bool stop_comes_within(std::chrono::milliseconds limit);

// Waits for one of them and gives its number. A second one then ends the program at once.
int wait_for_stop();

}  // namespace cloister
