// How long work takes. Points in time are in time.h.
#pragma once

#include <chrono>

namespace cloister {

// Seconds since an arbitrary start, by a clock that is never set.
inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cloister
