#include "base/base64.h"

namespace cloister {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string_view alphabet_of(Base64 form) {
  return form == Base64::kUrl ? kUrl : kStandard;
}

}  // namespace

std::string base64(Bytes bytes, Base64 form) {
  const std::string_view alphabet = alphabet_of(form);
  std::string text;
  text.reserve(bytes.size() / 3 * 4 + 4);
  uint32_t bits = 0;
  int count = 0;
  for (const std::byte byte : bytes) {
    bits = bits << 8 | static_cast<uint32_t>(byte);
    for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63];
  while (form == Base64::kPadded && text.size() % 4 != 0) text += '=';
  return text;
}

Result<std::vector<std::byte>> parse_base64(std::string_view text, Base64 form) {
  const std::string_view alphabet = alphabet_of(form);
  if (form == Base64::kPadded) {
    if (text.size() % 4 != 0) {
      return invalid("base64 of {} letters, want a multiple of 4", text.size());
    }
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return invalid("base64 of {} letters", text.size());
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const char letter : text) {
    const size_t value = alphabet.find(letter);
    if (value == std::string_view::npos) {
      return invalid("'{}' in base64", printable({&letter, 1}));
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::byte>(bits >> count & 255));
  }
  if ((bits & ((1U << count) - 1)) != 0) return invalid("base64 that ends in bits of no byte");
  return bytes;
}

}  // namespace cloister
