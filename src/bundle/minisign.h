// The signature format of minisign, Ed25519: public keys and signatures are read here, over
// OpenSSL; minisign_secret.h signs.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::minisign {

using KeyId = std::array<std::byte, 8>;

inline constexpr uint64_t kMaxKeyFileBytes = 4 << 10;
inline constexpr uint64_t kMaxSignatureBytes = 16 << 10;

struct PublicKey {
  KeyId id{};
  std::array<std::byte, 32> key{};

  // As minisign shows it: sixteen digits.
  std::string id_text() const;
  // 56 letters of base64, as `minisign -P` takes them.
  std::string text() const;
  // With its comment line, as `minisign -p` takes it.
  std::string file() const;
  bool operator==(const PublicKey&) const = default;
};

// A .pub file, or its second line alone. kInvalid.
Result<PublicKey> parse_public_key(std::string_view text);

// For records (record/fields.h).
std::string to_string(const PublicKey& key);
Result<> from_string(std::string_view text, PublicKey& out);

struct Signature {
  bool prehashed = false;  // of the BLAKE2b-512 of the message (ED), or of the message itself (Ed)
  KeyId key_id{};
  std::array<std::byte, 64> signature{};
  std::string trusted_comment;
  std::array<std::byte, 64> global{};  // of `signature` and the trusted comment

  std::string key_id_text() const;
};

// A .minisig file. kInvalid.
Result<Signature> parse_signature(std::string_view file);
std::string signature_file(const Signature& signature, std::string_view untrusted_comment);

// The digest that prehashed signatures are of.
Result<std::array<std::byte, 64>> prehash(Bytes message);

// Whether one of `keys` has signed the message and the trusted comment: its position. kInvalid for
// a malformed file, kRefused otherwise.
Result<size_t> verify(Bytes message, std::string_view signature_file,
                      const std::vector<PublicKey>& keys);

}  // namespace cloister::minisign
