// How a server says that it is there, and waits to be stopped.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>

namespace cloister {

// From now on SIGINT and SIGTERM wait for announce_and_wait(). Call it before threads are made.
void hold_stop_signals();

// From now on SIGHUP waits for it too, instead of ending the program. The same holds.
void hold_hangups();

// While one lives, they end the program at once: for what may take long, and leaves nothing undone.
class StopsEndAtOnce {
 public:
  StopsEndAtOnce();
  ~StopsEndAtOnce();
  StopsEndAtOnce(const StopsEndAtOnce&) = delete;
  StopsEndAtOnce& operator=(const StopsEndAtOnce&) = delete;
};

// Whether one of them comes within that time.
bool stop_comes_within(std::chrono::milliseconds limit);

// Says in one line on stdout that the server listens, and where; then waits for one of them. A
// second one then ends the program at once. `on_hangup` is called at each SIGHUP, if those are
// held.
void announce_and_wait(const nlohmann::json& where, const std::function<void()>& on_hangup = {});

}  // namespace cloister
