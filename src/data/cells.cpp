#include "data/cells.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace cloister::audit {
namespace {

// from_chars() takes no plus.
std::string_view without_plus(std::string_view text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+';
  return plus ? text.substr(1) : text;
}

// "2,7" and "1.234,5"; not "1,2,3".
bool has_decimal_comma(std::string_view text) {
  const size_t comma = text.find(',');
  if (comma == text.npos || text.find(',', comma + 1) != text.npos) return false;
  if (comma + 1 == text.size() || text.size() > 400) return false;
  std::string with_point(text);
  std::erase(with_point, '.');
  with_point[with_point.find(',')] = '.';
  return read_number(with_point).kind == CellKind::kNumber;
}

}  // namespace

std::string_view trimmed(std::string_view cell) {
  constexpr std::string_view kSpaces = " \t";
  const size_t start = cell.find_first_not_of(kSpaces);
  if (start == cell.npos) return {};
  return cell.substr(start, cell.find_last_not_of(kSpaces) - start + 1);
}

CellNumber read_number(std::string_view cell) {
  const std::string_view text = without_plus(trimmed(cell));
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || code == std::errc::invalid_argument) {
    return {has_decimal_comma(text) ? CellKind::kDecimalComma : CellKind::kText};
  }
  // It does not say on which side the number is out of range.
  if (code == std::errc::result_out_of_range)
    value = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isfinite(value)) return {CellKind::kNumber, value};
  // "inf" and "nan" are words.
  return {code == std::errc::result_out_of_range ? CellKind::kTooLarge : CellKind::kText};
}

std::optional<int64_t> whole_number_in(std::string_view cell) {
  const std::string_view text = without_plus(trimmed(cell));
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

size_t utf8_end(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t at = 0;
  while (at < text.size()) {
    const unsigned char lead = byte(at);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                          : lead >= 0xe0 && lead <= 0xef ? 3
                          : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                         : 0;
    if (length == 0 || length > text.size() - at) return at;
    // No overlong forms, surrogates, or code points past the last.
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(at + 1) < low || byte(at + 1) > high) return at;
    for (size_t i = 2; i < length; ++i) {
      if (byte(at + i) >> 6 != 2) return at;
    }
    at += length;
  }
  return at;
}

std::string_view want_number(CellKind kind) {
  switch (kind) {
    case CellKind::kTooLarge:
      return "more than a number can be, want at most 1.8e308";
    case CellKind::kDecimalComma:
      return "want a number with a decimal point";
    case CellKind::kText:
    case CellKind::kNumber:
      return "want a number";
  }
  return "want a number";
}

}  // namespace cloister::audit
