// X.509 certificates and revocation lists over OpenSSL, read strictly; chain.h checks them.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/freed.h"

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

// The reason that OpenSSL gave last.
std::string openssl_reason();

}  // namespace cloister::attest
