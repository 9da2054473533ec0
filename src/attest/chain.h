// X.509 certificates and revocation lists, checked against one root at a given time, and what they
// say. For verifiers only.
#pragma once

#include <optional>

#include "attest/x509.h"
#include "base/time.h"

namespace cloister::attest {

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

}  // namespace cloister::attest
