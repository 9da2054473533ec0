#include "attest/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <stdexcept>

namespace cloister::attest {
namespace {

using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using RawSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using ParamBuild = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;

const unsigned char* data_of(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

const EVP_MD* md(Hash hash) {
  return hash == Hash::kSha384 ? EVP_sha384() : EVP_sha256();
}

Number number(Bytes bytes) {
  return Number(BN_bin2bn(data_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

Result<> check_digest_signature(DigestContext& context, Bytes signed_bytes, Bytes signature) {
  if (EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(signed_bytes),
                       signed_bytes.size()) == 1) {
    return {};
  }
  return invalid("bad signature");
}

Result<Key> key_of(const char* type, OSSL_PARAM* params) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || params == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return invalid("not a public key of type {}", type);
  }
  return Key(key);
}

}  // namespace

std::vector<std::byte> digest(Hash hash, Bytes bytes) {
  std::vector<std::byte> out(static_cast<size_t>(EVP_MD_get_size(md(hash))));
  // Fails only without memory or without the algorithm, and then nothing can go on.
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
                 md(hash), nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no working SHA-2");
  }
  return out;
}

Result<> check_ecdsa(EVP_PKEY* key, int curve, Hash hash, Bytes signed_bytes, Bytes r, Bytes s) {
  constexpr size_t kMostBytes = 48;
  // Certificates can hold keys that OpenSSL can't read: then there is none.
  if (!is_on_curve(key, curve)) return invalid("the key is not on {}", OBJ_nid2sn(curve));
  if (r.size() > kMostBytes || s.size() > kMostBytes) return invalid("bad signature");
  const RawSignature raw(ECDSA_SIG_new());
  Number r_number = number(r);
  Number s_number = number(s);
  if (!raw || !r_number || !s_number ||
      ECDSA_SIG_set0(raw.get(), r_number.get(), s_number.get()) != 1) {
    return fail(Kind::kInternal, "OpenSSL: no memory");
  }
  (void)r_number.release();
  (void)s_number.release();
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(raw.get(), &der);
  if (length <= 0) return invalid("bad signature");
  const std::string signature(reinterpret_cast<const char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  DigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, md(hash), nullptr, key) != 1) {
    return fail(Kind::kInternal, "OpenSSL can't verify ECDSA");
  }
  return check_digest_signature(context, signed_bytes, as_bytes(signature));
}

Result<> check_rsa(EVP_PKEY* key, RsaPadding padding, Hash hash, Bytes signed_bytes,
                   Bytes signature) {
  const int bits = key == nullptr ? 0 : EVP_PKEY_get_bits(key);
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || bits < 2048 || bits > 4096) {
    return invalid("not an RSA key of 2048 to 4096 bits");
  }
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  if (!context || EVP_DigestVerifyInit(context.get(), &parameters, md(hash), nullptr, key) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(
          parameters, padding == RsaPadding::kPss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) !=
          1) {
    return fail(Kind::kInternal, "OpenSSL can't verify RSA");
  }
  return check_digest_signature(context, signed_bytes, signature);
}

Result<Key> ec_public_key(int curve, Bytes x, Bytes y) {
  const size_t size = curve == NID_secp384r1 ? 48 : 32;
  if (x.size() > size || y.size() > size) {
    return invalid("coordinates of {} and {} bytes, want {}", x.size(), y.size(), size);
  }
  std::vector<std::byte> point(1 + 2 * size);
  point[0] = std::byte{4};  // uncompressed
  std::ranges::copy(x, point.begin() + static_cast<ptrdiff_t>(1 + size - x.size()));
  std::ranges::copy(y, point.begin() + static_cast<ptrdiff_t>(1 + 2 * size - y.size()));
  const ParamBuild build(OSSL_PARAM_BLD_new());
  const bool built = build &&
                     OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                     OBJ_nid2sn(curve), 0) == 1 &&
                     OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                      point.data(), point.size()) == 1;
  const Params params(built ? OSSL_PARAM_BLD_to_param(build.get()) : nullptr);
  TRY(key, key_of("EC", params.get()));
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!check || EVP_PKEY_public_check_quick(check.get()) != 1) {
    return invalid("not a point on {}", OBJ_nid2sn(curve));
  }
  return std::move(key);
}

Result<Key> rsa_public_key(Bytes modulus, uint64_t exponent) {
  // Its size is judged where it is used. OpenSSL's own check of a modulus takes longer than all
  // else.
  if (modulus.size() > 512) return invalid("an RSA modulus of {} bytes", modulus.size());
  if (exponent < 3 || exponent % 2 == 0) return invalid("an RSA exponent of {}", exponent);
  const ParamBuild build(OSSL_PARAM_BLD_new());
  const Number n = number(modulus);
  const bool built = build && n &&
                     OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                     OSSL_PARAM_BLD_push_uint64(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent) == 1;
  const Params params(built ? OSSL_PARAM_BLD_to_param(build.get()) : nullptr);
  return key_of("RSA", params.get());
}

bool is_on_curve(const EVP_PKEY* key, int curve) {
  char group[64] = {};
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                     nullptr) != 1) {
    return false;
  }
  return OBJ_sn2nid(group) == curve;
}

}  // namespace cloister::attest
