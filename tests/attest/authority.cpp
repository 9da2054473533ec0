#include "tests/attest/authority.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>

#include "tests/attest/authority_primes.h"

namespace cloister::attest::test {
namespace {

using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using NumberContext = std::unique_ptr<BN_CTX, Freed<BN_CTX_free>>;
using Group = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_free>>;
using ParamBuild = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Time1 = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;

// A broken authority can't be worked around: tests end here.
void require(bool ok) {
  if (!ok) std::abort();
}

const unsigned char* data_of(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

template <typename Encode>
std::vector<std::byte> encoded(const Encode& encode) {
  unsigned char* bytes = nullptr;
  const int length = encode(&bytes);
  require(length > 0);
  const auto out = bytes_of({reinterpret_cast<const char*>(bytes), static_cast<size_t>(length)});
  OPENSSL_free(bytes);
  return out;
}

Key key_of(const char* type, OSSL_PARAM_BLD* build) {
  const Params params(OSSL_PARAM_BLD_to_param(build));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  require(context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
          EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1);
  return Key(key);
}

Number hex_number(const char* digits) {
  BIGNUM* number = nullptr;
  require(BN_hex2bn(&number, digits) > 0);
  return Number(number);
}

Key rsa_of(const char* prime1, const char* prime2) {
  const NumberContext context(BN_CTX_new());
  const Number p = hex_number(prime1);
  const Number q = hex_number(prime2);
  const Number e(BN_new());
  const Number n(BN_new());
  const Number p1(BN_dup(p.get()));
  const Number q1(BN_dup(q.get()));
  const Number phi(BN_new());
  require(BN_set_word(e.get(), 65537) == 1 &&
          BN_mul(n.get(), p.get(), q.get(), context.get()) == 1);
  require(BN_sub_word(p1.get(), 1) == 1 && BN_sub_word(q1.get(), 1) == 1);
  require(BN_mul(phi.get(), p1.get(), q1.get(), context.get()) == 1);
  const Number d(BN_mod_inverse(nullptr, e.get(), phi.get(), context.get()));
  const Number dp(BN_new());
  const Number dq(BN_new());
  require(BN_mod(dp.get(), d.get(), p1.get(), context.get()) == 1);
  require(BN_mod(dq.get(), d.get(), q1.get(), context.get()) == 1);
  const Number inverse(BN_mod_inverse(nullptr, q.get(), p.get(), context.get()));
  const ParamBuild build(OSSL_PARAM_BLD_new());
  const std::pair<const char*, const Number*> numbers[] = {
      {OSSL_PKEY_PARAM_RSA_N, &n},          {OSSL_PKEY_PARAM_RSA_E, &e},
      {OSSL_PKEY_PARAM_RSA_D, &d},          {OSSL_PKEY_PARAM_RSA_FACTOR1, &p},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, &q},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, &dp},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, &dq}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &inverse}};
  for (const auto& [name, number] : numbers) {
    require(OSSL_PARAM_BLD_push_BN(build.get(), name, number->get()) == 1);
  }
  return key_of("RSA", build.get());
}

void set_name(X509_NAME* name, const std::string& common_name) {
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                     -1, -1, 0) == 1);
}

Time1 asn1_time(Time time) {
  return Time1(ASN1_TIME_set(nullptr, time.time_since_epoch().count()));
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void add_extension(X509* certificate, const std::string& oid, Bytes content) {
  ASN1_OBJECT* const object = OBJ_txt2obj(oid.c_str(), 1);
  ASN1_OCTET_STRING* const octets = ASN1_OCTET_STRING_new();
  require(ASN1_OCTET_STRING_set(octets, data_of(content), static_cast<int>(content.size())) == 1);
  X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 0, octets);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
  ASN1_OBJECT_free(object);
}

// RSA as AMD signs (PSS, SHA-384), curves as Intel does (SHA-256).
DigestContext signing(EVP_PKEY* signer) {
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  const bool rsa = EVP_PKEY_get_base_id(signer) == EVP_PKEY_RSA;
  require(EVP_DigestSignInit(context.get(), &parameters, rsa ? EVP_sha384() : EVP_sha256(), nullptr,
                             signer) == 1);
  if (rsa) {
    require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 48) == 1);
  }
  return context;
}

std::vector<std::byte> sign(DigestContext& context, Bytes bytes) {
  size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, data_of(bytes), bytes.size()) == 1);
  std::vector<std::byte> signature(size);
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         data_of(bytes), bytes.size()) == 1);
  signature.resize(size);
  return signature;
}

const EVP_MD* md(Hash hash) {
  return hash == Hash::kSha384 ? EVP_sha384() : EVP_sha256();
}

}  // namespace

Key ec_key(std::string_view label, int curve) {
  const Group group(EC_GROUP_new_by_curve_name(curve));
  const NumberContext context(BN_CTX_new());
  const Number d(BN_new());
  const Digest seed = sha256(as_bytes(label));
  const Number wide(BN_bin2bn(data_of(seed), static_cast<int>(seed.size()), nullptr));
  require(BN_nnmod(d.get(), wide.get(), EC_GROUP_get0_order(group.get()), context.get()) == 1);
  const Point point(EC_POINT_new(group.get()));
  require(EC_POINT_mul(group.get(), point.get(), d.get(), nullptr, nullptr, context.get()) == 1);
  std::vector<unsigned char> encoded_point(200);
  encoded_point.resize(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                                          encoded_point.data(), encoded_point.size(),
                                          context.get()));
  const ParamBuild build(OSSL_PARAM_BLD_new());
  require(OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                          OBJ_nid2sn(curve), 0) == 1 &&
          OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                           encoded_point.data(), encoded_point.size()) == 1 &&
          OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, d.get()) == 1);
  return key_of("EC", build.get());
}

Key rsa_key(RsaName name) {
  switch (name) {
    case RsaName::kAmdRoot:
      return rsa_of(kAmdRootPrime1, kAmdRootPrime2);
    case RsaName::kAmdIntermediate:
      return rsa_of(kAmdIntermediatePrime1, kAmdIntermediatePrime2);
    case RsaName::kTpm:
      return rsa_of(kTpmPrime1, kTpmPrime2);
  }
  std::abort();
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

Time time_of(std::string_view text) {
  const auto time = parse_time(text);
  require(time.has_value());
  return *time;
}

std::vector<std::byte> make_certificate(const CertificateSpec& spec) {
  const Certificate certificate(X509_new());
  X509* const x509 = certificate.get();
  require(X509_set_version(x509, X509_VERSION_3) == 1 &&
          ASN1_INTEGER_set(X509_get_serialNumber(x509), spec.serial) == 1 &&
          X509_set1_notBefore(x509, asn1_time(spec.from).get()) == 1 &&
          X509_set1_notAfter(x509, asn1_time(spec.to).get()) == 1 &&
          X509_set_pubkey(x509, spec.key) == 1);
  set_name(X509_get_subject_name(x509), spec.subject);
  set_name(X509_get_issuer_name(x509), spec.issuer);
  add_extension(x509, NID_basic_constraints, spec.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(x509, NID_key_usage,
                spec.is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  for (const auto& [oid, content] : spec.extensions) add_extension(x509, oid, content);
  const DigestContext context = signing(spec.signer);
  require(X509_sign_ctx(x509, context.get()) > 0);
  return encoded([&](unsigned char** out) { return i2d_X509(x509, out); });
}

std::vector<std::byte> make_crl(const CrlSpec& spec) {
  const Crl crl(X509_CRL_new());
  X509_NAME* const name = X509_NAME_new();
  set_name(name, spec.issuer);
  require(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1 &&
          X509_CRL_set_issuer_name(crl.get(), name) == 1 &&
          X509_CRL_set1_lastUpdate(crl.get(), asn1_time(spec.from).get()) == 1 &&
          X509_CRL_set1_nextUpdate(crl.get(), asn1_time(spec.to).get()) == 1);
  X509_NAME_free(name);
  for (const long serial : spec.revoked) {
    X509_REVOKED* const revoked = X509_REVOKED_new();
    ASN1_INTEGER* const number = ASN1_INTEGER_new();
    require(ASN1_INTEGER_set(number, serial) == 1 &&
            X509_REVOKED_set_serialNumber(revoked, number) == 1 &&
            X509_REVOKED_set_revocationDate(revoked, asn1_time(spec.from).get()) == 1 &&
            X509_CRL_add0_revoked(crl.get(), revoked) == 1);
    ASN1_INTEGER_free(number);
  }
  const DigestContext context = signing(spec.signer);
  require(X509_CRL_sort(crl.get()) == 1 && X509_CRL_sign_ctx(crl.get(), context.get()) > 0);
  return encoded([&](unsigned char** out) { return i2d_X509_CRL(crl.get(), out); });
}

std::string pem(std::string_view label, Bytes bytes) {
  std::string body(bytes.size() * 4 / 3 + 8, '\0');
  body.resize(static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(body.data()),
                                                  data_of(bytes), static_cast<int>(bytes.size()))));
  std::string text = fmt::format("-----BEGIN {}-----\n", label);
  for (size_t i = 0; i < body.size(); i += 64) text += body.substr(i, 64) + "\n";
  return text + fmt::format("-----END {}-----\n", label);
}

std::vector<std::byte> sign_ecdsa(EVP_PKEY* key, Hash hash, Bytes bytes) {
  DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestSignInit(context.get(), nullptr, md(hash), nullptr, key) == 1);
  const auto signature = sign(context, bytes);
  const unsigned char* at = data_of(signature);
  ECDSA_SIG* const raw = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size()));
  require(raw != nullptr);
  const int size = (EVP_PKEY_get_bits(key) + 7) / 8;
  std::vector<std::byte> out(2 * static_cast<size_t>(size));
  auto* const to = reinterpret_cast<unsigned char*>(out.data());
  require(BN_bn2binpad(ECDSA_SIG_get0_r(raw), to, size) == size &&
          BN_bn2binpad(ECDSA_SIG_get0_s(raw), to + size, size) == size);
  ECDSA_SIG_free(raw);
  return out;
}

std::vector<std::byte> sign_rsa(EVP_PKEY* key, RsaPadding padding, Hash hash, Bytes bytes) {
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  require(EVP_DigestSignInit(context.get(), &parameters, md(hash), nullptr, key) == 1 &&
          EVP_PKEY_CTX_set_rsa_padding(parameters, padding == RsaPadding::kPss
                                                       ? RSA_PKCS1_PSS_PADDING
                                                       : RSA_PKCS1_PADDING) == 1);
  return sign(context, bytes);
}

std::vector<std::byte> public_point(EVP_PKEY* key) {
  unsigned char point[200];
  size_t size = 0;
  require(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                          &size) == 1);
  require(size > 1 && point[0] == 4);
  return bytes_of({reinterpret_cast<const char*>(point) + 1, size - 1});
}

std::vector<std::byte> public_modulus(EVP_PKEY* key) {
  BIGNUM* n = nullptr;
  require(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
  std::vector<std::byte> out(static_cast<size_t>(BN_num_bytes(n)));
  BN_bn2bin(n, reinterpret_cast<unsigned char*>(out.data()));
  BN_free(n);
  return out;
}

std::vector<std::byte> der(uint8_t tag, Bytes content) {
  std::vector<std::byte> out = {std::byte{tag}};
  if (content.size() < 0x80) {
    put_little(out, static_cast<uint8_t>(content.size()));
  } else if (content.size() < 0x100) {
    put(out, as_bytes("\x81"));
    put_little(out, static_cast<uint8_t>(content.size()));
  } else {
    put(out, as_bytes("\x82"));
    put_big(out, static_cast<uint16_t>(content.size()));
  }
  put(out, content);
  return out;
}

std::vector<std::byte> der_number(uint64_t number, uint8_t tag) {
  std::vector<std::byte> content;
  put_big(content, number);
  size_t zeros = 0;
  while (zeros < 7 && content[zeros] == std::byte{0} &&
         static_cast<uint8_t>(content[zeros + 1]) < 0x80) {
    ++zeros;
  }
  return der(tag, Bytes(content).subspan(zeros));
}

void put(std::vector<std::byte>& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void set(std::vector<std::byte>& out, size_t offset, Bytes bytes) {
  require(offset + bytes.size() <= out.size());
  std::ranges::copy(bytes, out.begin() + static_cast<ptrdiff_t>(offset));
}

}  // namespace cloister::attest::test
