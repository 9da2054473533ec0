// X.509 certificates and revocation lists over OpenSSL: read strictly, checked against one root at
// a given time.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/freed.h"
#include "base/time.h"

namespace cloister::attest {

using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Crl = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

inline constexpr size_t kMaxChain = 5;

// One certificate or revocation list, DER or PEM, with nothing before or after it.
Result<Certificate> parse_certificate(Bytes der_or_pem);
Result<Crl> parse_crl(Bytes der_or_pem);
// One to kMaxChain certificates in PEM, one after the other.
Result<std::vector<Certificate>> parse_chain(std::string_view pem);
// The DER in PEM blocks with this label ("CERTIFICATE"); nothing but white space between them.
Result<std::vector<std::vector<std::byte>>> parse_pem(std::string_view pem, std::string_view label,
                                                      size_t most);

struct ChainQuestion {
  X509* leaf;
  std::vector<X509*> intermediates;  // in no order, not trusted
  X509* root;                        // the only certificate trusted
  std::vector<X509_CRL*> crls;       // empty: revocation is not asked about
  Time at;
};

// Whether the leaf leads to the root at that time, with keys and digests of at least 128 bits of
// security. With CRLs: one of each issuer, signed by it, valid at that time, and none names a
// certificate of the chain. Thread-safe.
Result<> check_chain(const ChainQuestion& question);

// The revocation list's own signature, issuer and time, and that it does not name `certificate`.
Result<> check_crl(X509_CRL* crl, X509* issuer, X509* certificate, Time at);

// The subject's common name, or the issuer's; "" where there is not exactly one.
std::string common_name(const X509* certificate);
std::string issuer_name(const X509* certificate);

bool same_certificate(const X509* a, const X509* b);

// What an extension holds (inside its OCTET STRING), by dotted OID. Nothing where it is absent;
// kInvalid where it is there twice. Lives as long as the certificate.
Result<std::optional<Bytes>> extension(const X509* certificate, const char* oid);

// "2026-02-05T01:04:33Z to 2033-02-05T01:04:33Z"
std::string validity_text(const X509* certificate);

}  // namespace cloister::attest
