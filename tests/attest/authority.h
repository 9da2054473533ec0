// A certificate authority for tests: the vendors' chains made anew under roots of our own, so that
// every check can be broken alone and no captured evidence is needed. Keys on curves follow from
// their labels, so what was signed in one run verifies in another.
#pragma once

#include <string>
#include <vector>

#include "attest/fixed.h"
#include "attest/signature.h"
#include "base/time.h"

namespace cloister::attest::test {

Key ec_key(std::string_view label, int curve);  // with its private half
enum class RsaName { kAmdRoot, kAmdIntermediate, kTpm };
Key rsa_key(RsaName name);

std::vector<std::byte> bytes_of(std::string_view text);
Time time_of(std::string_view text);
inline Time test_time() {
  return time_of("2026-06-01T00:00:00Z");
}

struct CertificateSpec {
  std::string subject;  // common name
  std::string issuer;
  EVP_PKEY* key = nullptr;
  EVP_PKEY* signer = nullptr;
  bool is_ca = false;
  long serial = 1;
  Time from = time_of("2020-01-01T00:00:00Z");
  Time to = time_of("2040-01-01T00:00:00Z");
  // What vendors add: dotted OID and content.
  std::vector<std::pair<std::string, std::vector<std::byte>>> extensions;
};
std::vector<std::byte> make_certificate(const CertificateSpec& spec);  // DER

struct CrlSpec {
  std::string issuer;
  EVP_PKEY* signer = nullptr;
  std::vector<long> revoked;  // serials
  Time from = time_of("2026-01-01T00:00:00Z");
  Time to = time_of("2027-01-01T00:00:00Z");
};
std::vector<std::byte> make_crl(const CrlSpec& spec);  // DER

std::string pem(std::string_view label, Bytes der);

// r and s, big-endian, each of the curve's size.
std::vector<std::byte> sign_ecdsa(EVP_PKEY* key, Hash hash, Bytes bytes);
std::vector<std::byte> sign_rsa(EVP_PKEY* key, RsaPadding padding, Hash hash, Bytes bytes);

// x and y (or the modulus), big-endian.
std::vector<std::byte> public_point(EVP_PKEY* key);
std::vector<std::byte> public_modulus(EVP_PKEY* key);

std::vector<std::byte> der(uint8_t tag, Bytes content);
std::vector<std::byte> der_number(uint64_t number, uint8_t tag = 0x02);

// Appends.
void put(std::vector<std::byte>& out, Bytes bytes);
template <typename T>
void put_little(std::vector<std::byte>& out, T number) {
  put(out, {reinterpret_cast<const std::byte*>(&number), sizeof(T)});
}
template <typename T>
void put_big(std::vector<std::byte>& out, T number) {
  put_little(out, std::byteswap(number));
}
// Overwrites.
void set(std::vector<std::byte>& out, size_t offset, Bytes bytes);
template <typename T>
void set_little(std::vector<std::byte>& out, size_t offset, T number) {
  set(out, offset, {reinterpret_cast<const std::byte*>(&number), sizeof(T)});
}

// N bytes that follow from the label.
template <size_t N>
Fixed<N> filler(std::string_view label) {
  Fixed<N> out;
  for (size_t i = 0; i < N; ++i) {
    out.bytes[i] = sha256(as_bytes(fmt::format("{}/{}", label, i / 32)))[i % 32];
  }
  return out;
}

}  // namespace cloister::attest::test
