#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace cloister {

// A number with `decimals` places, for people; "n/a" for what is no number, whatever its sign.
inline std::string number_text(double value, int decimals) {
  return std::isnan(value) ? "n/a" : fmt::format("{:.{}f}", value, decimals);
}

// The same with `digits` significant digits.
inline std::string short_number_text(double value, int digits) {
  return std::isnan(value) ? "n/a" : fmt::format("{:.{}g}", value, digits);
}

}  // namespace cloister
