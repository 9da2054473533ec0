#include "bundle/secret.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <new>

namespace cloister {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

SecretBytes::SecretBytes(size_t size) : size_(size) {
  if (size == 0) return;
  data_ = static_cast<std::byte*>(::operator new(size, kAlignment));
  std::fill_n(data_, size, std::byte{});
}

SecretBytes::SecretBytes(Bytes copied) : SecretBytes(copied.size()) {
  std::ranges::copy(copied, data_);
}

SecretBytes::~SecretBytes() {
  if (data_ == nullptr) return;
  cleanse(bytes());
  ::operator delete(data_, kAlignment);
}

void cleanse(MutableBytes bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

}  // namespace cloister
