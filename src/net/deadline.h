#pragma once

#include <algorithm>
#include <chrono>

namespace cloister::net {

using Clock = std::chrono::steady_clock;

// What is left of the time until then; 0 when it is past.
inline std::chrono::duration<double> left_until(Clock::time_point deadline) {
  return std::max<std::chrono::duration<double>>(deadline - Clock::now(), {});
}

// The moment `limit` from now; a limit of years or more is one of years.
inline Clock::time_point deadline_after(std::chrono::duration<double> limit) {
  constexpr double kMostSeconds = 1e8;
  const std::chrono::duration<double> bounded(std::clamp(limit.count(), 0.0, kMostSeconds));
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(bounded);
}

}  // namespace cloister::net
