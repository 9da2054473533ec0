#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace cloister::net {
namespace {

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

constexpr unsigned char kAlpn[] = "\x08http/1.1";
constexpr unsigned kAlpnBytes = sizeof(kAlpn) - 1;

Bio pem_bio(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// A key is never encrypted here, and OpenSSL must not ask for a password on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

Result<std::vector<Certificate>> read_certificates(const std::string& pem, const char* what) {
  std::vector<Certificate> certificates;
  const Bio bio = pem_bio(pem);
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) {
    certificates.emplace_back(next);
  }
  const unsigned long code = ERR_peek_last_error();
  const bool at_end = ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (certificates.empty()) return invalid("{}: no certificate in PEM", what);
  if (!at_end) return invalid("{}: {}", what, openssl_error_text());
  ERR_clear_error();
  return certificates;
}

Result<> use_identity(SSL_CTX* context, const TlsIdentity& identity) {
  TRY(chain, read_certificates(identity.certificate_pem, "TLS certificate"));
  const Bio bio = pem_bio(identity.key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!key) return invalid("TLS key: {}", openssl_error_text());
  bool ok = SSL_CTX_use_certificate(context, chain[0].get()) == 1;
  for (size_t i = 1; ok && i < chain.size(); ++i) {
    ok = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  }
  ok = ok && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
       SSL_CTX_check_private_key(context) == 1;
  if (!ok) return invalid("TLS certificate and key: {}", openssl_error_text());
  return {};
}

Result<> trust_authorities(SSL_CTX* context, const std::string& pem, bool name_them) {
  TRY(authorities, read_certificates(pem, "certificate authorities"));
  for (const Certificate& authority : authorities) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
        (name_them && SSL_CTX_add_client_CA(context, authority.get()) != 1)) {
      return invalid("certificate authorities: {}", openssl_error_text());
    }
  }
  return {};
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_bytes, const unsigned char* in,
                unsigned in_bytes, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_bytes, kAlpn, kAlpnBytes, in, in_bytes) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// What server and client have in common.
Result<SslContext> make_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return fail(Kind::kInternal, "OpenSSL: {}", openssl_error_text());
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);  // reads count messages
  if (SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(raw,
                               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                               "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
      // OpenSSL's default has finite-field groups, too, whose shares cost a server 140 ms each and
      // whoever sends one again and again nothing (CVE-2002-20001).
      SSL_CTX_set1_groups_list(raw, "X25519:P-256:P-384") != 1) {
    return fail(Kind::kInternal, "OpenSSL: {}", openssl_error_text());
  }
  return context;
}

}  // namespace

std::string openssl_error_text() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : fmt::format("OpenSSL error {:x}", code);
  ERR_clear_error();
  return text;
}

Result<SslContext> make_server_context(const TlsIdentity& identity,
                                       const std::string& client_ca_pem,
                                       bool require_client_certificate) {
  ERR_clear_error();
  if (require_client_certificate && client_ca_pem.empty()) {
    return invalid("client certificates are required, but there is no authority to check them");
  }
  TRY(context, make_context(TLS_server_method()));
  SSL_CTX* const raw = context.get();
  TRY_OK(use_identity(raw, identity));
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_max_early_data(raw, 0);
  SSL_CTX_set_alpn_select_cb(raw, select_alpn, nullptr);
  if (!client_ca_pem.empty()) {
    TRY_OK(trust_authorities(raw, client_ca_pem, /*name_them=*/true));
    SSL_CTX_set_verify(
        raw, SSL_VERIFY_PEER | (require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        nullptr);
  }
  return std::move(context);
}

Result<SslContext> make_client_context(const ClientOptions& options) {
  using Trust = ClientOptions::Trust;
  ERR_clear_error();
  TRY(context, make_context(TLS_client_method()));
  SSL_CTX* const raw = context.get();
  if (options.identity) TRY_OK(use_identity(raw, *options.identity));
  SSL_CTX_set_alpn_protos(raw, kAlpn, kAlpnBytes);
  if (options.trust == Trust::kCallerChecks) return std::move(context);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  if (options.trust == Trust::kCaPem) {
    TRY_OK(trust_authorities(raw, options.ca_pem, /*name_them=*/false));
  } else if (SSL_CTX_set_default_verify_paths(raw) != 1) {
    return fail(Kind::kIo, "the system's certificate authorities: {}", openssl_error_text());
  }
  ERR_clear_error();
  return std::move(context);
}

}  // namespace cloister::net
