#include "wire/oip_text.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>

namespace cloister::oip {
namespace {

template <std::floating_point T>
char* put_floating(char* at, T value) {
  char* const end = at + kMaxNumberChars;
  // Readers take digits alone for a whole number, which has no -0 and at most 64 bits.
  if (value == 0 && std::signbit(value)) return std::ranges::copy(std::string_view("-0.0"), at).out;
  if (std::abs(value) < T{1e15}) return std::to_chars(at, end, value).ptr;
  return std::to_chars(at, end, value, std::chars_format::scientific).ptr;
}

Result<> append_value(std::string& json, std::integral auto value) {  // bool too
  json += fmt::format("{}", value);
  return {};
}

Result<> append_value(std::string& json, double value) {
  if (!std::isfinite(value)) return invalid("{} has no JSON form", value);
  char buffer[kMaxNumberChars];
  const std::string_view digits(buffer, put_floating(buffer, value));
  json += digits;
  // Stays a number that may have a fraction to whoever reads it.
  if (!digits.contains('.') && !digits.contains('e')) json += ".0";
  return {};
}

Result<> append_value(std::string& json, const std::string& value) {
  if (!is_utf8(value)) return invalid("'{}' is not UTF-8", printable(value, 60));
  append_quoted(json, value);
  return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

Result<> check_text(std::string_view prefix, std::string_view what, std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return invalid("{}{} has {} bytes, at most {} are taken", prefix, what, text.size(),
                   kMaxTextBytes);
  }
  if (!is_utf8(text)) return invalid("{}{} '{}' is not UTF-8", prefix, what, printable(text, 60));
  if (text.contains('\0')) {
    return invalid("{}{} '{}' has a NUL in it", prefix, what, printable(text, 60));
  }
  return {};
}

Result<> check_name(std::string_view prefix, std::string_view what, std::string_view text) {
  if (text.empty()) return invalid("{}{} is empty", prefix, what);
  return check_text(prefix, what, text);
}

void append_quoted(std::string& json, std::string_view text) {
  if (!is_utf8(text)) return append_quoted(json, printable(text, std::string::npos));
  json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", c);
    } else {
      json += c;
    }
  }
  json += '"';
}

Result<> append_parameters(std::string& json, const Parameters& parameters) {
  if (parameters.empty()) return {};
  json += "\"parameters\":{";
  for (const auto& [name, parameter] : parameters) {
    TRY_OK(check_text("parameters: ", "a parameter's name", name));
    append_quoted(json, name);
    json += ':';
    auto added =
        std::visit([&](const auto& value) { return append_value(json, value); }, parameter);
    if (!added) return with_context(added.error(), "parameters: " + printable(name, 60));
    json += ',';
  }
  json.back() = '}';
  json += ',';
  return {};
}

char* put_number(char* at, float value) {
  // Of all floats this one's shortest digits, read as a double, round to a neighbour (found by
  // trying all of them).
  constexpr float kOddOne = 0x1.5c87fap-84F;
  if (std::abs(value) == kOddOne) return put_floating<double>(at, value);
  return put_floating(at, value);
}

char* put_number(char* at, double value) {
  return put_floating(at, value);
}

}  // namespace cloister::oip
