// Signatures and public keys as evidence gives them: raw numbers, not DER.
#pragma once

#include "attest/x509.h"

namespace cloister::attest {

enum class Hash { kSha256, kSha384 };

// The digest of `bytes`: 32 or 48 bytes.
std::vector<std::byte> digest(Hash hash, Bytes bytes);

// ECDSA, r and s big-endian. kInvalid "bad signature"; also for a key that is not on `curve`
// (NID_X9_62_prime256v1, NID_secp384r1). Thread-safe.
Result<> check_ecdsa(EVP_PKEY* key, int curve, Hash hash, Bytes signed_bytes, Bytes r, Bytes s);

enum class RsaPadding { kPkcs1, kPss };

// RSA of 2048 to 4096 bits; PSS with any salt length. Thread-safe.
Result<> check_rsa(EVP_PKEY* key, RsaPadding padding, Hash hash, Bytes signed_bytes,
                   Bytes signature);

// Public keys from their numbers, big-endian. Points off the curve are refused.
Result<Key> ec_public_key(int curve, Bytes x, Bytes y);
Result<Key> rsa_public_key(Bytes modulus, uint64_t exponent);

// Whether it is an elliptic-curve key on this curve.
bool is_on_curve(const EVP_PKEY* key, int curve);

}  // namespace cloister::attest
