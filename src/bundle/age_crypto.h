// What age is made of, over OpenSSL.
#pragma once

#include "bundle/age.h"

namespace cloister::age {

inline constexpr size_t kFileKeyBytes = 16;
inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kNonceBytes = 12;

using Key = std::array<std::byte, kKeyBytes>;
using Mac = std::array<std::byte, 32>;
using Nonce = std::array<std::byte, kNonceBytes>;

// kInternal when OpenSSL fails at what can't fail.
Result<PublicKey> x25519_public(Bytes secret);
// kInvalid for a key of low order, with which there is no secret.
Result<SecretBytes> x25519(Bytes secret, const PublicKey& key);
// HKDF-SHA-256 to 32 bytes.
Result<SecretBytes> hkdf(Bytes secret, Bytes salt, std::string_view info);
Result<Mac> hmac(Bytes key, std::string_view text);
bool same(Bytes a, Bytes b);  // in constant time

// ChaCha20-Poly1305 without additional data. Keeps its key; one call after another.
class Aead {
 public:
  static Result<Aead> make(Bytes key);
  // `out` has room for kTagBytes more than `plain`.
  Result<> seal(const Nonce& nonce, Bytes plain, MutableBytes out);
  // `out` has room for kTagBytes less. False: the tag is wrong, and `out` is cleansed.
  Result<bool> open(const Nonce& nonce, Bytes sealed, MutableBytes out);

 private:
  struct Free {
    void operator()(void* context) const;
  };
  Aead() = default;
  std::unique_ptr<void, Free> context_;
  SecretBytes key_;
};

// The nonce of chunk `index`.
Nonce chunk_nonce(uint64_t index, bool last);

// The key of the header's MAC, and the payload's.
Result<SecretBytes> header_key(Bytes file_key);
Result<SecretBytes> payload_key(Bytes file_key, Bytes nonce);

// The key that a file key is wrapped with: `share` is in the header, `shared` was agreed on.
Result<SecretBytes> wrap_key(Bytes shared, const PublicKey& share, const Recipient& recipient);

}  // namespace cloister::age
