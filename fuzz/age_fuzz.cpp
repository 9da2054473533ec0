// Age files, and the files of age's keys. The input is a file as it is, or, when its first byte is
// 1, a payload under a header that is right: what then decrypts must encrypt and decrypt to itself.
#include <cstdlib>

#include "bundle/age_header.h"
#include "tests/support/age_text.h"

using namespace cloister;

namespace {

constexpr const char* kSecret =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

const std::vector<age::Identity>& identities() {
  static const auto* const kIdentities =
      new std::vector<age::Identity>(*age::parse_identities(kSecret));
  return *kIdentities;
}

// The header of a file that is encrypted to the identity above.
const std::string& good_header() {
  static const auto* const kHeader = new std::string([] {
    const std::string file = *age::encrypt_text("", {identities()[0].recipient()});
    return file.substr(0, file.size() - 32);
  }());
  return *kHeader;
}

void check(std::string_view file) {
  const auto plain = age::decrypt_text(file, identities());
  if (!plain) return;
  const auto again = age::encrypt_text(*plain, {identities()[0].recipient()});
  if (!again || *age::decrypt_text(*again, identities()) != *plain) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with('\1')) {
    check(good_header() + std::string(text.substr(1)));
    return 0;
  }
  check(text);
  (void)age::parse_header(text);
  if (const auto keys = age::parse_identities(text)) {
    for (const age::Identity& key : *keys) {
      if (!age::Identity::parse(key.text().text())) std::abort();
    }
  }
  if (const auto keys = age::parse_recipients(text)) {
    for (const age::Recipient& key : *keys) {
      if (*age::Recipient::parse(key.text()) != key) std::abort();
    }
  }
  return 0;
}
