#include "base/error.h"

namespace cloister {
namespace {

// Length of the valid UTF-8 sequence that `text` starts with, or 0.
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
  // C1 controls and overlong two-byte forms.
  if (length == 2 && (lead < 0xc2 || (lead == 0xc2 && byte(1) < 0xa0))) return 0;
  return length;
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
