// minisign's public keys and signatures: what is accepted is written and read unchanged, and no
// signature fits by chance.
#include <cstdlib>

#include "bundle/minisign.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = minisign::parse_public_key(text)) {
    if (*minisign::parse_public_key(key->text()) != *key) std::abort();
    if (*minisign::parse_public_key(key->file()) != *key) std::abort();
  }
  const auto signature = minisign::parse_signature(text);
  if (!signature) return 0;
  const std::string written = minisign::signature_file(*signature, "x");
  if (minisign::signature_file(*minisign::parse_signature(written), "x") != written) std::abort();
  minisign::PublicKey key;
  key.id = signature->key_id;
  key.key.fill(std::byte{0x42});
  if (minisign::verify(as_bytes("message"), text, {key})) std::abort();
  return 0;
}
