#include "base/error.h"

namespace cloister {
namespace {

// Length of the valid and harmless UTF-8 sequence that `text` starts with, or 0.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80       ? 1
                        : lead >> 5 == 6  ? 2
                        : lead >> 4 == 14 ? 3
                        : lead >> 3 == 30 ? 4
                                          : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2) return 0;
  }
  if (length == 1) return 1;
  char32_t code = lead & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3f);
  constexpr char32_t kSmallest[] = {0, 0, 0xa0, 0x800, 0x10000};  // 0x80 to 0x9f are controls
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  // Line separators, and marks that change the direction of the text around them.
  const bool misleads = (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return code < kSmallest[length] || code > 0x10ffff || is_surrogate || misleads ? 0 : length;
}

}  // namespace

int exit_code(Kind kind) {
  switch (kind) {
    case Kind::kUsage:
      return 2;
    case Kind::kRefused:
      return 3;
    default:
      return 1;
  }
}

std::unexpected<Error> with_context(Error error, const std::string& context) {
  error.message = context + ": " + error.message;
  return std::unexpected(std::move(error));
}

std::string printable(std::string_view text, size_t max_length) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (out.size() >= max_length) return out + "...";
    const size_t length = utf8_length(text.substr(i));
    const auto lead = static_cast<unsigned char>(text[i]);
    if (length == 0 || lead < 0x20 || lead == 0x7f) {
      out += fmt::format("\\x{:02x}", lead);
      ++i;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

}  // namespace cloister
