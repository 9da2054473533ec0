// How long tests wait for what ought to come at once.
#pragma once

#include <chrono>

namespace cloister::test {

inline constexpr std::chrono::duration<double> kPatience{20};  // seconds

}  // namespace cloister::test
