// How often something may happen: so many times a second, and so many at once.
#pragma once

#include <algorithm>
#include <chrono>

namespace cloister::serving {

// Not thread-safe.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  TokenBucket(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // Whether it may happen now; then it counts.
  bool take(Clock::time_point now) {
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    filled_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double per_second_;
  double burst_;
  double tokens_;
  Clock::time_point filled_;
};

}  // namespace cloister::serving
