#include "attest/chain.h"

#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace cloister::attest {
namespace {

constexpr int kSecurityLevel = 3;  // OpenSSL's: 128 bits

using Store = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;
using Object = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;

struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
  void operator()(STACK_OF(X509_CRL) * stack) const { sk_X509_CRL_free(stack); }
};

std::string name_text(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) return {};
  unsigned char* text = nullptr;
  const int length =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (length < 0) return {};
  std::string found = printable({reinterpret_cast<const char*>(text), static_cast<size_t>(length)});
  OPENSSL_free(text);
  return found;
}

std::string asn1_time_text(const ASN1_TIME* time) {
  tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return "?";
  return time_text(std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::from_time_t(timegm(&broken))));
}

}  // namespace

Result<> check_chain(const ChainQuestion& question) {
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509), StackFree> untrusted(sk_X509_new_null());
  const std::unique_ptr<STACK_OF(X509_CRL), StackFree> crls(sk_X509_CRL_new_null());
  bool ready =
      store && context && untrusted && crls && X509_STORE_add_cert(store.get(), question.root) == 1;
  for (X509* const intermediate : question.intermediates) {
    ready = ready && sk_X509_push(untrusted.get(), intermediate) > 0;
  }
  for (X509_CRL* const crl : question.crls) {
    if (X509_CRL_get0_nextUpdate(crl) == nullptr)
      return invalid("a revocation list without a next update");
    ready = ready && sk_X509_CRL_push(crls.get(), crl) > 0;
  }
  ready =
      ready && X509_STORE_CTX_init(context.get(), store.get(), question.leaf, untrusted.get()) == 1;
  if (!ready) return fail(Kind::kInternal, "OpenSSL: {}", openssl_reason());
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, question.at.time_since_epoch().count());
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kMaxChain));
  if (!question.crls.empty()) {
    X509_STORE_CTX_set0_crls(context.get(), crls.get());
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  const X509* const at = X509_STORE_CTX_get_current_cert(context.get());
  return invalid("{} at '{}'",
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())),
                 at == nullptr ? "?" : common_name(at));
}

Result<> check_crl(X509_CRL* crl, X509* issuer, X509* certificate, Time at) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0) {
    return invalid("revocation list of '{}', want of '{}'", name_text(X509_CRL_get_issuer(crl)),
                   common_name(issuer));
  }
  if (X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1) {
    return invalid("revocation list: bad signature");
  }
  const ASN1_TIME* const begin = X509_CRL_get0_lastUpdate(crl);
  const ASN1_TIME* const end = X509_CRL_get0_nextUpdate(crl);
  time_t time = at.time_since_epoch().count();
  // X509_cmp_time: -1 before or at the time, 1 after it, 0 an error.
  if (end == nullptr || X509_cmp_time(begin, &time) != -1 || X509_cmp_time(end, &time) != 1) {
    return invalid("revocation list valid {} to {}, not at {}", asn1_time_text(begin),
                   end == nullptr ? "?" : asn1_time_text(end), time_text(at));
  }
  X509_REVOKED* revoked = nullptr;
  if (X509_CRL_get0_by_cert(crl, &revoked, certificate) != 0) {
    return invalid("'{}' is revoked", common_name(certificate));
  }
  return {};
}

std::string common_name(const X509* certificate) {
  return name_text(X509_get_subject_name(certificate));
}

std::string issuer_name(const X509* certificate) {
  return name_text(X509_get_issuer_name(certificate));
}

bool same_certificate(const X509* a, const X509* b) {
  return X509_cmp(a, b) == 0;
}

Result<std::optional<Bytes>> extension(const X509* certificate, const char* oid) {
  const Object object(OBJ_txt2obj(oid, 1));
  if (!object) return fail(Kind::kInternal, "OpenSSL does not take {} for an OID", oid);
  const int at = X509_get_ext_by_OBJ(certificate, object.get(), -1);
  if (at < 0) return std::nullopt;
  if (X509_get_ext_by_OBJ(certificate, object.get(), at) >= 0) {
    return invalid("extension {} occurs twice", oid);
  }
  const ASN1_OCTET_STRING* const data = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
  return as_bytes({reinterpret_cast<const char*>(ASN1_STRING_get0_data(data)),
                   static_cast<size_t>(ASN1_STRING_length(data))});
}

}  // namespace cloister::attest
