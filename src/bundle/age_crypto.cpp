#include "bundle/age_crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>

#include "base/freed.h"

namespace cloister::age {
namespace {

using PKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using PKeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;

const unsigned char* in(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* out_of(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

std::unexpected<Error> broken(std::string_view what) {
  return fail(Kind::kInternal, "OpenSSL's {} failed", what);
}

PKey private_key(Bytes secret) {
  return PKey(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, in(secret), secret.size()));
}

}  // namespace

Result<PublicKey> x25519_public(Bytes secret) {
  const PKey own = private_key(secret);
  PublicKey key;
  size_t size = key.size();
  if (!own || EVP_PKEY_get_raw_public_key(own.get(), out_of(key), &size) != 1 ||
      size != key.size()) {
    return broken("X25519");
  }
  return key;
}

Result<SecretBytes> x25519(Bytes secret, const PublicKey& key) {
  const PKey own = private_key(secret);
  const PKey other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, in(key), key.size()));
  if (!own || !other) return broken("X25519");
  const PKeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr));
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1) {
    return broken("X25519");
  }
  SecretBytes shared(kKeyBytes);
  size_t size = kKeyBytes;
  const bool derived = EVP_PKEY_derive(context.get(), out_of(shared.bytes()), &size) == 1;
  // OpenSSL refuses a result of zeros itself; this does not lean on it.
  if (!derived || size != kKeyBytes || same(shared.bytes(), Key{})) {
    return invalid("an X25519 key of low order");
  }
  return shared;
}

Result<SecretBytes> hkdf(Bytes secret, Bytes salt, std::string_view info) {
  const std::unique_ptr<EVP_KDF, Freed<EVP_KDF_free>> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, Freed<EVP_KDF_CTX_free>> context(EVP_KDF_CTX_new(kdf.get()));
  if (!context) return broken("HKDF");
  char digest[] = "SHA256";
  const auto octets = [](const char* key, Bytes bytes) {
    return OSSL_PARAM_construct_octet_string(key, const_cast<std::byte*>(bytes.data()),
                                             bytes.size());
  };
  OSSL_PARAM params[5] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                          octets(OSSL_KDF_PARAM_KEY, secret),
                          octets(OSSL_KDF_PARAM_INFO, as_bytes(info)), OSSL_PARAM_construct_end(),
                          OSSL_PARAM_construct_end()};
  // No salt is the same as an empty one.
  if (!salt.empty()) params[3] = octets(OSSL_KDF_PARAM_SALT, salt);
  SecretBytes key(kKeyBytes);
  if (EVP_KDF_derive(context.get(), out_of(key.bytes()), kKeyBytes, params) != 1) {
    return broken("HKDF");
  }
  return key;
}

Result<Mac> hmac(Bytes key, std::string_view text) {
  Mac mac;
  unsigned size = mac.size();
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), in(as_bytes(text)), text.size(),
           out_of(mac), &size) == nullptr ||
      size != mac.size()) {
    return broken("HMAC");
  }
  return mac;
}

bool same(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void Aead::Free::operator()(void* context) const {
  EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX*>(context));
}

Result<Aead> Aead::make(Bytes key) {
  Aead aead;
  aead.context_.reset(EVP_CIPHER_CTX_new());
  aead.key_ = SecretBytes(key);
  if (!aead.context_ || key.size() != kKeyBytes) return broken("ChaCha20-Poly1305");
  return aead;
}

Result<> Aead::seal(const Nonce& nonce, Bytes plain, MutableBytes out) {
  auto* context = static_cast<EVP_CIPHER_CTX*>(context_.get());
  int size = 0;
  int rest = 0;
  const MutableBytes tag = out.subspan(plain.size(), kTagBytes);
  if (EVP_EncryptInit_ex(context, EVP_chacha20_poly1305(), nullptr, in(key_.bytes()), in(nonce)) !=
          1 ||
      EVP_EncryptUpdate(context, out_of(out), &size, in(plain), static_cast<int>(plain.size())) !=
          1 ||
      EVP_EncryptFinal_ex(context, out_of(tag), &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, out_of(tag)) != 1) {
    return broken("ChaCha20-Poly1305");
  }
  return {};
}

Result<bool> Aead::open(const Nonce& nonce, Bytes sealed, MutableBytes out) {
  if (sealed.size() < kTagBytes) return false;
  auto* context = static_cast<EVP_CIPHER_CTX*>(context_.get());
  const Bytes data = sealed.first(sealed.size() - kTagBytes);
  const Bytes tag = sealed.last(kTagBytes);
  int size = 0;
  std::byte none;
  int rest = 0;
  if (EVP_DecryptInit_ex(context, EVP_chacha20_poly1305(), nullptr, in(key_.bytes()), in(nonce)) !=
          1 ||
      EVP_DecryptUpdate(context, out_of(out), &size, in(data), static_cast<int>(data.size())) !=
          1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes,
                          const_cast<std::byte*>(tag.data())) != 1) {
    cleanse(out.first(data.size()));
    return broken("ChaCha20-Poly1305");
  }
  if (EVP_DecryptFinal_ex(context, out_of({&none, 1}), &rest) == 1) return true;
  cleanse(out.first(data.size()));
  return false;
}

Nonce chunk_nonce(uint64_t index, bool last) {
  Nonce nonce{};
  for (size_t i = 0; i < 8; ++i) nonce[10 - i] = static_cast<std::byte>(index >> (8 * i) & 255);
  nonce[11] = last ? std::byte{1} : std::byte{0};
  return nonce;
}

Result<SecretBytes> header_key(Bytes file_key) {
  return hkdf(file_key, {}, "header");
}

Result<SecretBytes> payload_key(Bytes file_key, Bytes nonce) {
  return hkdf(file_key, nonce, "payload");
}

Result<SecretBytes> wrap_key(Bytes shared, const PublicKey& share, const Recipient& recipient) {
  std::array<std::byte, 64> salt;
  std::ranges::copy(share, salt.begin());
  std::ranges::copy(recipient.key(), salt.begin() + 32);
  return hkdf(shared, salt, "age-encryption.org/v1/X25519");
}

}  // namespace cloister::age
