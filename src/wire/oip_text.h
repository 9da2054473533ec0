// Pieces of JSON that oip writes, and what is asked of the texts in it.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

#include "wire/oip.h"

namespace cloister::oip {

inline constexpr size_t kMaxTextBytes = 1024;  // of names and ids

bool is_utf8(std::string_view text);

// At most kMaxTextBytes of UTF-8 without NUL. `what` ("id") opens the error, after `prefix`.
Result<> check_text(std::string_view prefix, std::string_view what, std::string_view text);

// check_text, and something must be there.
Result<> check_name(std::string_view prefix, std::string_view what, std::string_view text);

// A string with its quotes. What is not UTF-8 becomes \xNN.
void append_quoted(std::string& json, std::string_view text);

// "parameters":{...}, unless there are none. kInvalid for texts that are not UTF-8, and for numbers
// that are not finite.
Result<> append_parameters(std::string& json, const Parameters& parameters);

inline constexpr size_t kMaxNumberChars = 32;

// Puts the fewest digits that give `value` back, also to readers that go through a double. Returns
// their end; there is room for kMaxNumberChars. Finite numbers only.
char* put_number(char* at, std::integral auto value) {
  return std::to_chars(at, at + kMaxNumberChars, value).ptr;
}
char* put_number(char* at, float value);
char* put_number(char* at, double value);

}  // namespace cloister::oip
