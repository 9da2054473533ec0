#pragma once

#include <chrono>
#include <vector>

#include "profile/record.h"

namespace cloister::profile {

using Clock = std::chrono::steady_clock;

inline double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Median and quartiles; zeros for no value.
Timing timing_of(std::vector<double> ms);

}  // namespace cloister::profile
