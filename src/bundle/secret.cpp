#include "bundle/secret.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <new>

namespace cloister {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr size_t kSmall = 4096;

// Of a power of two, which the secure heap aligns to itself; null where there is no such heap or no
// room in it.
void* secure_memory(size_t size) {
  if (size > kSmall || ::CRYPTO_secure_malloc_initialized() != 1) return nullptr;
  return ::OPENSSL_secure_malloc(std::max(size, static_cast<size_t>(kAlignment)));
}

}  // namespace

SecretBytes::SecretBytes(size_t size) : size_(size) {
  if (size == 0) return;
  void* memory = secure_memory(size);
  if (memory == nullptr) memory = ::operator new(size, kAlignment);
  data_ = static_cast<std::byte*>(memory);
  std::fill_n(data_, size, std::byte{});
}

SecretBytes::SecretBytes(Bytes copied) : SecretBytes(copied.size()) {
  std::ranges::copy(copied, data_);
}

SecretBytes::~SecretBytes() {
  if (data_ == nullptr) return;
  cleanse(bytes());
  if (::CRYPTO_secure_allocated(data_) == 1) {
    ::OPENSSL_secure_free(data_);
  } else {
    ::operator delete(data_, kAlignment);
  }
}

void cleanse(MutableBytes bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

}  // namespace cloister
