#include "bundle/bech32.h"

#include <algorithm>
#include <cctype>

#include "bundle/secret.h"

namespace cloister {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr size_t kChecksumLetters = 6;  // letters
constexpr size_t kLongest = 1000;

uint32_t checksum_step(uint32_t sum, uint32_t value) {
  constexpr uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const uint32_t top = sum >> 25;
  sum = (sum & 0x1ffffff) << 5 ^ value;
  for (int i = 0; i < 5; ++i) sum ^= (top >> i & 1) != 0 ? kGenerator[i] : 0;
  return sum;
}

uint32_t checksum_of_prefix(std::string_view prefix) {
  uint32_t sum = 1;
  for (const char c : prefix) sum = checksum_step(sum, static_cast<uint8_t>(c) >> 5);
  sum = checksum_step(sum, 0);
  for (const char c : prefix) sum = checksum_step(sum, static_cast<uint8_t>(c) & 31);
  return sum;
}

}  // namespace

std::string bech32(std::string_view prefix, Bytes bytes) {
  std::string text(prefix);
  text += '1';
  uint32_t sum = checksum_of_prefix(prefix);
  const auto add = [&](uint32_t value) {
    sum = checksum_step(sum, value);
    text += kAlphabet[value];
  };
  uint32_t bits = 0;
  int count = 0;
  for (const std::byte byte : bytes) {
    bits = bits << 8 | static_cast<uint32_t>(byte);
    for (count += 8; count >= 5; count -= 5) add(bits >> (count - 5) & 31);
  }
  if (count > 0) add(bits << (5 - count) & 31);
  for (size_t i = 0; i < kChecksumLetters; ++i) sum = checksum_step(sum, 0);
  sum ^= 1;
  for (int shift = 25; shift >= 0; shift -= 5) text += kAlphabet[sum >> shift & 31];
  return text;
}

Result<std::vector<std::byte>> parse_bech32(std::string_view text, std::string_view prefix) {
  if (text.size() > kLongest) return invalid("{} letters, want at most {}", text.size(), kLongest);
  const auto is = [&](int (*kind)(int)) {
    return std::ranges::any_of(text, [&](unsigned char c) { return kind(c) != 0; });
  };
  if (is(std::isupper) && is(std::islower)) return invalid("letters of both cases");
  const auto lower = [](unsigned char c) { return static_cast<char>(std::tolower(c)); };
  const bool begins = text.size() > prefix.size() && text[prefix.size()] == '1' &&
                      std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, lower);
  if (!begins) return invalid("does not begin with '{}1'", prefix);
  text.remove_prefix(prefix.size() + 1);
  if (text.size() < kChecksumLetters) return invalid("too short");
  const size_t data_letters = text.size() - kChecksumLetters;
  uint32_t sum = checksum_of_prefix(prefix);
  std::vector<std::byte> bytes;
  bytes.reserve(data_letters * 5 / 8);
  uint32_t bits = 0;
  int count = 0;
  const auto wrong = [&](std::string_view why) {
    cleanse(bytes);
    return invalid("{}", why);
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t value = kAlphabet.find(lower(static_cast<unsigned char>(text[i])));
    if (value == std::string_view::npos) return wrong("a letter that bech32 does not have");
    sum = checksum_step(sum, static_cast<uint32_t>(value));
    if (i >= data_letters) continue;
    bits = bits << 5 | static_cast<uint32_t>(value);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::byte>(bits >> count & 255));
  }
  if (sum != 1) return wrong("its checksum is wrong: a mistyped letter?");
  if (count >= 5 || (bits & ((1U << count) - 1)) != 0) return wrong("bits left over");
  return bytes;
}

}  // namespace cloister
