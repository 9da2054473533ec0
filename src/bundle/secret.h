#pragma once

#include <cstddef>
#include <utility>

#include "base/bytes.h"

namespace cloister {

// Bytes that are overwritten before their memory is given back. Aligned to 64 bytes, zero at first.
// Small ones, such as keys, are in OpenSSL's secure heap where the program has made one
// (cli/guard_process.h): its pages are locked, never in a core dump, and between guard pages.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(size_t size);
  explicit SecretBytes(Bytes copied);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  Bytes bytes() const { return {data_, size_}; }
  MutableBytes bytes() { return {data_, size_}; }
  std::string_view text() const { return as_text(bytes()); }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Overwrites what the optimizer must not leave out.
void cleanse(MutableBytes bytes);

}  // namespace cloister
