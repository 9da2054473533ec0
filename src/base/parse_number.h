#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace cloister {

// The number that all of `text` is, as std::from_chars reads it: no space, no plus sign, decimal.
// Nothing for any other text and for what T can't hold.
template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value) != std::from_chars_result{end, {}}) {
    return std::nullopt;
  }
  return value;
}

}  // namespace cloister
