// What a cell of a table says. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloister::audit {

// kTooLarge: a decimal number that no double holds. kDecimalComma: a number but for its comma.
enum class CellKind { kText, kNumber, kTooLarge, kDecimalComma };

struct CellNumber {
  CellKind kind = CellKind::kText;
  double value = 0;  // of kNumber; finite
};

// Spaces around and a plus before a number are no part of it; a number too small for a double is 0.
CellNumber read_number(std::string_view cell);

// Likewise; none for anything but a whole number.
std::optional<int64_t> whole_number_in(std::string_view cell);

// Without the spaces and tabs around it.
std::string_view trimmed(std::string_view cell);

// Where text stops being UTF-8 (RFC 3629): its size if it never does.
size_t utf8_end(std::string_view text);

// What to do about a cell that is no number, for messages: "want a number", ...
std::string_view want_number(CellKind kind);

}  // namespace cloister::audit
