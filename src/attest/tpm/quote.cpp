#include "attest/tpm/quote.h"

#include <openssl/obj_mac.h>

namespace cloister::attest {
namespace {

constexpr uint32_t kTpmMagic = 0xff544347;  // "\xffTCG": only a TPM signs what begins so
constexpr uint16_t kAttestQuote = 0x8018;
constexpr uint16_t kAlgRsa = 0x0001;
constexpr uint16_t kAlgSha256 = 0x000b;
constexpr uint16_t kAlgSha384 = 0x000c;
constexpr uint16_t kAlgNull = 0x0010;
constexpr uint16_t kAlgRsaSsa = 0x0014;
constexpr uint16_t kAlgRsaPss = 0x0016;
constexpr uint16_t kAlgEcdsa = 0x0018;
constexpr uint16_t kAlgEcc = 0x0023;
constexpr uint16_t kCurveP256 = 0x0003;
constexpr uint16_t kCurveP384 = 0x0004;
constexpr uint32_t kDefaultExponent = 65537;

// A TPM2B: a size of two bytes, then as many.
Result<Bytes> sized(Reader& in) {
  TRY(size, in.big_number<uint16_t>());
  return in.take(size);
}

Result<> read_selection(Reader& in, std::vector<uint32_t>& selected) {
  TRY(banks, in.big_number<uint32_t>());
  if (banks != 1) return fail(Kind::kUnsupported, "{} PCR banks, want one of SHA-256", banks);
  TRY(hash, in.big_number<uint16_t>());
  if (hash != kAlgSha256) {
    return fail(Kind::kUnsupported, "PCR bank {:#06x}, want {:#06x} (SHA-256)", hash, kAlgSha256);
  }
  TRY(size, in.number<uint8_t>());
  TRY(bitmap, in.take(size));
  for (uint32_t i = 0; i < 8U * size; ++i) {
    if ((static_cast<unsigned>(bitmap[i / 8]) >> i % 8 & 1) == 0) continue;
    if (i > 23) return fail(Kind::kUnsupported, "PCR {}, want 0 to 23", i);
    selected.push_back(i);
  }
  if (selected.empty()) return invalid("no PCR is selected");
  return {};
}

Result<Hash> hash_of(uint16_t algorithm) {
  if (algorithm == kAlgSha256) return Hash::kSha256;
  if (algorithm == kAlgSha384) return Hash::kSha384;
  return fail(Kind::kUnsupported, "hash {:#06x}, want SHA-256 or SHA-384", algorithm);
}

Result<> at_end(const Reader& in) {
  if (in.left() != 0) return invalid("{} bytes after it", in.left());
  return {};
}

// Signing keys have no symmetric algorithm; their scheme says with which hash they sign.
Result<> skip_symmetric_and_scheme(Reader& in) {
  TRY(symmetric, in.big_number<uint16_t>());
  if (symmetric != kAlgNull) {
    return fail(Kind::kUnsupported, "symmetric algorithm {:#06x} in a signing key", symmetric);
  }
  TRY(scheme, in.big_number<uint16_t>());
  if (scheme == kAlgNull) return {};
  if (scheme != kAlgRsaSsa && scheme != kAlgRsaPss && scheme != kAlgEcdsa) {
    return fail(Kind::kUnsupported, "signing scheme {:#06x}", scheme);
  }
  TRY(hash, in.big_number<uint16_t>());
  TRY_OK(hash_of(hash));
  return {};
}

Result<Key> read_rsa(Reader& in) {
  TRY_OK(skip_symmetric_and_scheme(in));
  TRY(bits, in.big_number<uint16_t>());
  TRY(exponent, in.big_number<uint32_t>());
  TRY(modulus, sized(in));
  if (modulus.size() * 8 != bits)
    return invalid("modulus of {} bytes, want {} bits", modulus.size(), bits);
  return rsa_public_key(modulus, exponent == 0 ? kDefaultExponent : exponent);
}

Result<Key> read_ecc(Reader& in, int& curve) {
  TRY_OK(skip_symmetric_and_scheme(in));
  TRY(id, in.big_number<uint16_t>());
  if (id != kCurveP256 && id != kCurveP384) {
    return fail(Kind::kUnsupported, "curve {:#06x}, want P-256 or P-384", id);
  }
  curve = id == kCurveP256 ? NID_X9_62_prime256v1 : NID_secp384r1;
  TRY(kdf, in.big_number<uint16_t>());
  if (kdf != kAlgNull) return fail(Kind::kUnsupported, "KDF {:#06x} in a signing key", kdf);
  TRY(x, sized(in));
  TRY(y, sized(in));
  return ec_public_key(curve, x, y);
}

}  // namespace

Result<TpmQuote> parse_tpm_quote(Bytes bytes) {
  Reader in(bytes);
  TRY(magic, in.big_number<uint32_t>());
  if (magic != kTpmMagic) {
    return invalid("magic {:#x}, want {:#x}: not made by a TPM", magic, kTpmMagic);
  }
  TRY(type, in.big_number<uint16_t>());
  if (type != kAttestQuote) return invalid("attestation of type {:#06x}, want a quote", type);
  TpmQuote quote;
  TRY(signer, sized(in));
  quote.qualified_signer = signer;
  TRY(extra, sized(in));
  quote.extra_data = extra;
  TRY(clock, in.big_number<uint64_t>());
  quote.clock_ms = clock;
  TRY(resets, in.big_number<uint32_t>());
  quote.reset_count = resets;
  TRY(restarts, in.big_number<uint32_t>());
  quote.restart_count = restarts;
  TRY_OK(in.take(1));  // whether the clock is safe
  TRY(firmware, in.big_number<uint64_t>());
  quote.firmware_version = firmware;
  TRY_OK(read_selection(in, quote.selected));
  TRY(pcr_digest, sized(in));
  quote.pcr_digest = pcr_digest;
  TRY_OK(at_end(in));
  return quote;
}

Result<TpmSignature> parse_tpm_signature(Bytes bytes) {
  Reader in(bytes);
  TpmSignature signature;
  TRY(algorithm, in.big_number<uint16_t>());
  TRY(hash_id, in.big_number<uint16_t>());
  TRY(hash, hash_of(hash_id));
  signature.hash = hash;
  if (algorithm == kAlgRsaSsa || algorithm == kAlgRsaPss) {
    signature.scheme = algorithm == kAlgRsaSsa ? TpmScheme::kRsaPkcs1 : TpmScheme::kRsaPss;
    TRY(rsa, sized(in));
    signature.rsa = rsa;
  } else if (algorithm == kAlgEcdsa) {
    TRY(r, sized(in));
    TRY(s, sized(in));
    signature.r = r;
    signature.s = s;
  } else {
    return fail(Kind::kUnsupported, "signature algorithm {:#06x}, want RSASSA, RSAPSS or ECDSA",
                algorithm);
  }
  TRY_OK(at_end(in));
  return signature;
}

Result<TpmPublic> parse_tpm_public(Bytes bytes) {
  Reader outer(bytes);
  TRY(area, sized(outer));
  TRY_OK(at_end(outer));
  Reader in(area);
  TRY(type, in.big_number<uint16_t>());
  TRY(name_hash, in.big_number<uint16_t>());
  if (name_hash != kAlgSha256) {
    return fail(Kind::kUnsupported, "named with hash {:#06x}, want SHA-256", name_hash);
  }
  TpmPublic found;
  TRY(attributes, in.big_number<uint32_t>());
  found.attributes = attributes;
  TRY_OK(sized(in));  // policy for its use
  if (type != kAlgRsa && type != kAlgEcc) {
    return fail(Kind::kUnsupported, "key of type {:#06x}, want RSA or ECC", type);
  }
  auto key = type == kAlgRsa ? read_rsa(in) : read_ecc(in, found.curve);
  if (!key) return std::unexpected(key.error());
  TRY_OK(at_end(in));
  found.key = std::move(*key);
  found.name.bytes[1] = std::byte{kAlgSha256};
  const Digest hash = sha256(area);
  std::memcpy(found.name.bytes.data() + 2, hash.data(), hash.size());
  return found;
}

Result<> check_tpm_signature(EVP_PKEY* key, int curve, const TpmSignature& signature, Bytes bytes) {
  if ((signature.scheme == TpmScheme::kEcdsa) != (curve != 0)) {
    return invalid("signature and key are of different kinds");
  }
  switch (signature.scheme) {
    case TpmScheme::kEcdsa:
      return check_ecdsa(key, curve, signature.hash, bytes, signature.r, signature.s);
    case TpmScheme::kRsaPkcs1:
      return check_rsa(key, RsaPadding::kPkcs1, signature.hash, bytes, signature.rsa);
    case TpmScheme::kRsaPss:
      return check_rsa(key, RsaPadding::kPss, signature.hash, bytes, signature.rsa);
  }
  return fail(Kind::kInternal, "no such scheme");
}

}  // namespace cloister::attest
