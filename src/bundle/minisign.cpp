#include "bundle/minisign.h"

#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "base/base64.h"
#include "base/freed.h"

namespace cloister::minisign {
namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::string_view kPublicKey = "Ed";
constexpr std::string_view kPlain = "Ed";
constexpr std::string_view kPrehashed = "ED";
constexpr size_t kAlgorithmBytes = 2;

// The next line without its end ('\n', or '\r\n' as Windows has it).
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

template <size_t kSize>
Result<> take_array(Reader& in, std::array<std::byte, kSize>& out) {
  TRY(bytes, in.take(kSize));
  std::ranges::copy(bytes, out.begin());
  return {};
}

std::string id_digits(const KeyId& id) {
  // A little-endian number.
  uint64_t number = 0;
  std::memcpy(&number, id.data(), sizeof(number));
  return fmt::format("{:016X}", number);
}

// Base64 of exactly this many bytes.
Result<std::vector<std::byte>> fixed(std::string_view line, size_t size, std::string_view what) {
  auto bytes = parse_base64(line, Base64::kPadded);
  if (!bytes) return with_context(bytes.error(), std::string(what));
  if (bytes->size() != size) return invalid("{} of {} bytes, want {}", what, bytes->size(), size);
  return bytes;
}

// An Ed25519 signature.
Result<bool> is_signed(Bytes message, Bytes signature, Bytes key) {
  const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> pkey(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(key.data()), key.size()));
  const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  if (!pkey || !context ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1) {
    return fail(Kind::kInternal, "OpenSSL's Ed25519 failed");
  }
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1;
}

Result<bool> is_signed_by(Bytes message, const Signature& signature, const PublicKey& key) {
  std::array<std::byte, 64> digest;
  if (signature.prehashed) {
    TRY(made, prehash(message));
    digest = made;
    message = digest;
  }
  TRY(good, is_signed(message, signature.signature, key.key));
  if (!good) return false;
  std::vector<std::byte> all(signature.signature.begin(), signature.signature.end());
  std::ranges::copy(as_bytes(signature.trusted_comment), std::back_inserter(all));
  return is_signed(all, signature.global, key.key);
}

Result<Signature> parse(std::string_view file) {
  if (file.size() > kMaxSignatureBytes) {
    return invalid("{} bytes, want at most {}", file.size(), kMaxSignatureBytes);
  }
  if (!take_line(file).starts_with(kUntrusted)) return invalid("no line '{}...'", kUntrusted);
  Signature signature;
  TRY(bytes, fixed(take_line(file), kAlgorithmBytes + 8 + 64, "signature"));
  Reader in{Bytes(bytes)};
  TRY(algorithm, in.take(kAlgorithmBytes));
  signature.prehashed = as_text(algorithm) == kPrehashed;
  if (!signature.prehashed && as_text(algorithm) != kPlain) {
    return fail(Kind::kUnsupported, "algorithm '{}', want '{}' or '{}'",
                printable(as_text(algorithm)), kPrehashed, kPlain);
  }
  TRY_OK(take_array(in, signature.key_id));
  TRY_OK(take_array(in, signature.signature));
  const std::string_view comment = take_line(file);
  if (!comment.starts_with(kTrusted)) return invalid("no line '{}...'", kTrusted);
  signature.trusted_comment = comment.substr(kTrusted.size());
  TRY(global, fixed(take_line(file), 64, "signature of the comment"));
  std::ranges::copy(global, signature.global.begin());
  if (!file.empty()) return invalid("{} bytes after the signature's four lines", file.size());
  return signature;
}

}  // namespace

std::string PublicKey::id_text() const {
  return id_digits(id);
}

std::string PublicKey::text() const {
  std::vector<std::byte> bytes;
  std::ranges::copy(as_bytes(kPublicKey), std::back_inserter(bytes));
  std::ranges::copy(id, std::back_inserter(bytes));
  std::ranges::copy(key, std::back_inserter(bytes));
  return base64(bytes, Base64::kPadded);
}

std::string PublicKey::file() const {
  return fmt::format("{}minisign public key {}\n{}\n", kUntrusted, id_text(), text());
}

std::string Signature::key_id_text() const {
  return id_digits(key_id);
}

Result<PublicKey> parse_public_key(std::string_view text) {
  if (text.size() > kMaxKeyFileBytes) {
    return invalid("a public key of {} bytes, want at most {}", text.size(), kMaxKeyFileBytes);
  }
  if (text.starts_with("untrusted comment:")) take_line(text);
  const std::string_view line = take_line(text);
  TRY(bytes, fixed(line, kAlgorithmBytes + 8 + 32, "public key"));
  if (!text.empty()) return invalid("public key: {} bytes after it", text.size());
  Reader in{Bytes(bytes)};
  TRY(algorithm, in.take(kAlgorithmBytes));
  if (as_text(algorithm) != kPublicKey) {
    return fail(Kind::kUnsupported, "public key: algorithm '{}', want '{}'",
                printable(as_text(algorithm)), kPublicKey);
  }
  PublicKey key;
  TRY_OK(take_array(in, key.id));
  TRY_OK(take_array(in, key.key));
  return key;
}

std::string to_string(const PublicKey& key) {
  return key.text();
}

Result<> from_string(std::string_view text, PublicKey& out) {
  TRY(key, parse_public_key(text));
  out = key;
  return {};
}

Result<Signature> parse_signature(std::string_view file) {
  auto parsed = parse(file);
  if (!parsed) return with_context(parsed.error(), "minisign signature");
  return parsed;
}

std::string signature_file(const Signature& signature, std::string_view untrusted_comment) {
  std::vector<std::byte> bytes;
  std::ranges::copy(as_bytes(signature.prehashed ? kPrehashed : kPlain), std::back_inserter(bytes));
  std::ranges::copy(signature.key_id, std::back_inserter(bytes));
  std::ranges::copy(signature.signature, std::back_inserter(bytes));
  return fmt::format("{}{}\n{}\n{}{}\n{}\n", kUntrusted, untrusted_comment,
                     base64(bytes, Base64::kPadded), kTrusted, signature.trusted_comment,
                     base64(signature.global, Base64::kPadded));
}

Result<std::array<std::byte, 64>> prehash(Bytes message) {
  std::array<std::byte, 64> digest;
  unsigned size = 0;
  if (EVP_Digest(message.data(), message.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 &size, EVP_blake2b512(), nullptr) != 1 ||
      size != digest.size()) {
    return fail(Kind::kInternal, "OpenSSL's BLAKE2b failed");
  }
  return digest;
}

Result<size_t> verify(Bytes message, std::string_view file, const std::vector<PublicKey>& keys) {
  TRY(signature, parse_signature(file));
  std::vector<std::string> ids;
  bool known = false;
  for (size_t i = 0; i < keys.size(); ++i) {
    ids.push_back(keys[i].id_text());
    if (keys[i].id != signature.key_id) continue;
    known = true;
    TRY(good, is_signed_by(message, signature, keys[i]));
    if (good) return i;
  }
  if (known) {
    return fail(Kind::kRefused,
                "the signature of key {} does not match: the signed data was altered",
                signature.key_id_text());
  }
  return fail(Kind::kRefused, "signed by key {}, want {}", signature.key_id_text(),
              fmt::join(ids, " or "));
}

}  // namespace cloister::minisign
