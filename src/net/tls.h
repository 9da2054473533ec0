// TLS 1.3 only: no resumption, no tickets, no early data. OpenSSL 3.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace cloister::net {

// A private key and its certificate chain, leaf first. PEM, in memory.
struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
};

// A new ECDSA P-256 key with a self-signed certificate for `names` (DNS names or IP addresses),
// valid from an hour before `now` for 90 days. The key is never written anywhere by this library.
Result<TlsIdentity> make_tls_identity(const std::vector<std::string>& names, int64_t now_unix_s);

}  // namespace cloister::net
