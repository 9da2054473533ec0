#include "attest/x509.h"

#include <openssl/err.h>

#include "base/base64.h"

namespace cloister::attest {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view without_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

const unsigned char* unsigned_bytes(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

template <typename Thing, auto kDecode>
Result<Thing> parse_der(Bytes der, std::string_view what) {
  const unsigned char* at = unsigned_bytes(der);
  const unsigned char* const end = at + der.size();
  Thing thing(kDecode(nullptr, &at, static_cast<long>(der.size())));
  if (!thing) return invalid("no {} in DER: {}", what, openssl_reason());
  if (at != end) return invalid("{}: {} bytes after it", what, end - at);
  return thing;
}

template <typename Thing, auto kDecode>
Result<Thing> parse_one(Bytes bytes, std::string_view what, std::string_view label) {
  if (!as_text(bytes).starts_with("-----BEGIN ")) return parse_der<Thing, kDecode>(bytes, what);
  TRY(blocks, parse_pem(as_text(bytes), label, 1));
  return parse_der<Thing, kDecode>(blocks[0], what);
}

}  // namespace

std::string openssl_reason() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  return text == nullptr ? "no reason given" : text;
}

Result<std::vector<std::vector<std::byte>>> parse_pem(std::string_view pem, std::string_view label,
                                                      size_t most) {
  const std::string begin = fmt::format("-----BEGIN {}-----", label);
  const std::string end = fmt::format("-----END {}-----", label);
  std::vector<std::vector<std::byte>> blocks;
  pem = without_space(pem);
  while (!pem.empty()) {
    if (!pem.starts_with(begin)) return invalid("PEM: no '{}' where it is expected", begin);
    pem.remove_prefix(begin.size());
    const size_t length = pem.find(end);
    if (length == std::string_view::npos) return invalid("PEM: no '{}'", end);
    std::string body(pem.substr(0, length));
    std::erase_if(body, is_space);
    auto block = parse_base64(body, Base64::kPadded);
    if (!block) return with_context(block.error(), "PEM");
    if (blocks.size() == most) return invalid("PEM: more than {} of '{}'", most, label);
    blocks.push_back(std::move(*block));
    pem = without_space(pem.substr(length + end.size()));
  }
  if (blocks.empty()) return invalid("PEM: nothing in it");
  return blocks;
}

Result<Certificate> parse_certificate(Bytes der_or_pem) {
  return parse_one<Certificate, d2i_X509>(der_or_pem, "certificate", "CERTIFICATE");
}

Result<Crl> parse_crl(Bytes der_or_pem) {
  return parse_one<Crl, d2i_X509_CRL>(der_or_pem, "revocation list", "X509 CRL");
}

Result<std::vector<Certificate>> parse_chain(std::string_view pem) {
  TRY(blocks, parse_pem(pem, "CERTIFICATE", kMaxChain));
  std::vector<Certificate> chain;
  for (const auto& block : blocks) {
    auto certificate = parse_der<Certificate, d2i_X509>(block, "certificate");
    if (!certificate) return std::unexpected(certificate.error());
    chain.push_back(std::move(*certificate));
  }
  return chain;
}

}  // namespace cloister::attest
