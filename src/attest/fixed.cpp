#include "attest/fixed.h"

#include <openssl/crypto.h>

namespace cloister::attest {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<> parse_hex(std::string_view text, MutableBytes out) {
  if (text.size() != 2 * out.size()) {
    return invalid("{} letters, want {} hexadecimal digits", text.size(), 2 * out.size());
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return invalid("'{}', want {} hexadecimal digits", printable(text, 40), 2 * out.size());
    }
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return {};
}

bool same_bytes(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cloister::attest
