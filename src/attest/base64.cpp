#include "attest/base64.h"

namespace cloister::attest {
namespace {

int digit(char c, Base64 alphabet) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == (alphabet == Base64::kUrl ? '-' : '+')) return 62;
  if (c == (alphabet == Base64::kUrl ? '_' : '/')) return 63;
  return -1;
}

}  // namespace

Result<std::vector<std::byte>> decode_base64(std::string_view text, Base64 alphabet) {
  if (alphabet == Base64::kStandard) {
    if (text.size() % 4 != 0) return invalid("base64 of {} letters, want whole fours", text.size());
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return invalid("base64 of {} letters", text.size());
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = digit(c, alphabet);
    if (value < 0) return invalid("'{}' in base64", printable({&c, 1}));
    held = held << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::byte>(held >> bits));
    held &= (1U << bits) - 1;
  }
  if (held != 0) return invalid("base64 with surplus bits");
  return bytes;
}

}  // namespace cloister::attest
