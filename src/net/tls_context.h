// OpenSSL's settings, made once and used by many connections.
#pragma once

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "base/freed.h"
#include "net/client.h"

namespace cloister::net {

using SslContext = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

// What OpenSSL complained about last in this thread, and nothing of what came before.
std::string openssl_error_text();

// Both fail with kInvalid when a PEM text is not what it should be.
Result<SslContext> make_server_context(const TlsIdentity& identity,
                                       const std::string& client_ca_pem,
                                       bool require_client_certificate);

Result<SslContext> make_client_context(const ClientOptions& options);

}  // namespace cloister::net
