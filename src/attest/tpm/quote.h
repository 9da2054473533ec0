// Structures of a TPM 2.0 quote (TPM 2.0 Library, part 2): big-endian.
#pragma once

#include "attest/claims.h"
#include "attest/signature.h"

namespace cloister::attest {

struct TpmQuote {
  Bytes qualified_signer;
  Bytes extra_data;
  uint64_t clock_ms = 0;
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  uint64_t firmware_version = 0;
  std::vector<uint32_t> selected;  // of the SHA-256 bank, ascending
  Bytes pcr_digest;
};

// TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE over the SHA-256 bank alone, with nothing behind it.
// kUnsupported for other banks, kInvalid for what is no quote. Spans are of `bytes`. Thread-safe.
Result<TpmQuote> parse_tpm_quote(Bytes bytes);

enum class TpmScheme { kRsaPkcs1, kRsaPss, kEcdsa };

struct TpmSignature {
  TpmScheme scheme = TpmScheme::kEcdsa;
  Hash hash = Hash::kSha256;
  Bytes rsa;
  Bytes r, s;  // ECDSA
};

// TPMT_SIGNATURE with SHA-256 or SHA-384. Spans are of `bytes`.
Result<TpmSignature> parse_tpm_signature(Bytes bytes);

// Attributes of a key, TPMA_OBJECT.
inline constexpr uint32_t kTpmFixedTpm = 0x2;
inline constexpr uint32_t kTpmFixedParent = 0x10;
inline constexpr uint32_t kTpmSensitiveDataOrigin = 0x20;
inline constexpr uint32_t kTpmRestricted = 0x10000;
inline constexpr uint32_t kTpmDecrypt = 0x20000;
inline constexpr uint32_t kTpmSign = 0x40000;

struct TpmPublic {
  Fixed<34> name;  // 0x000b, SHA-256 of TPMT_PUBLIC
  uint32_t attributes = 0;
  Key key;
  int curve = 0;  // of an elliptic-curve key, by OpenSSL's number; 0: RSA
};

// TPM2B_PUBLIC of an RSA key, or of one on P-256 or P-384, named with SHA-256.
Result<TpmPublic> parse_tpm_public(Bytes bytes);

// Whether `signature` is one over `bytes` by this key.
Result<> check_tpm_signature(EVP_PKEY* key, int curve, const TpmSignature& signature, Bytes bytes);

}  // namespace cloister::attest
