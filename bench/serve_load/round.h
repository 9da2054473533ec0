// A round of measuring: what is asked for on a line of JSON, and what is made of it.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"

namespace cloister::bench {

using Clock = std::chrono::steady_clock;

struct Round {
  int connections = 1;
  double seconds = 1;
  double warmup_s = 0;  // of them, not counted in latencies and rates
  bool whole = true;    // engine: the model in one piece, or its segments

  // Fields that are not there keep what they have. kUsage for what is none.
  Result<> read(std::string_view line);
};

// Runs `run` for each line of stdin and prints what it gives, so that rounds of several programs
// can take turns with all of them loaded and connected.
Result<> for_each_line(const Round& defaults,
                       const std::function<Result<nlohmann::json>(const Round&)>& run);

// Median and the like of latencies in milliseconds, rounded to microseconds.
nlohmann::json latency_json(std::vector<double> ms);

// CLOCK_MONOTONIC, as Python's time.monotonic() has it.
double monotonic_s(Clock::time_point time);

}  // namespace cloister::bench
