// Secret keys of minisign, over libsodium: in the tool only.
#pragma once

#include "bundle/minisign.h"
#include "bundle/secret.h"

namespace cloister::minisign {

struct SecretKey {
  PublicKey public_key;
  SecretBytes key;  // 64 bytes: the seed, then the public key
};

// The scrypt cost of one password guess; minisign's own by default: 1 GiB and seconds.
struct Cost {
  uint64_t operations = 33554432;
  uint64_t memory_bytes = 1ULL << 30;
};

// A new key pair. kInternal when there is no randomness.
Result<SecretKey> generate_key();

// The file of a secret key, under a password (nothing: in the clear, as `minisign -W` has it).
Result<SecretBytes> secret_key_file(const SecretKey& key, const SecretBytes* password,
                                    const Cost& cost = {});

// Whether the file asks for a password. kInvalid for what is no secret key.
Result<bool> needs_password(std::string_view file);

// kInvalid for a damaged file, kRefused for a wrong password, kUsage when one is needed and not
// given.
Result<SecretKey> open_secret_key(std::string_view file, const SecretBytes* password);

// A .minisig file of the message, prehashed; the trusted comment is one line.
Result<std::string> sign(Bytes message, const SecretKey& key, std::string_view trusted_comment);

}  // namespace cloister::minisign
