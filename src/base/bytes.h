// The one place where untrusted bytes are taken apart.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.h"

namespace cloister {

static_assert(std::endian::native == std::endian::little, "Cloister's formats are little-endian");

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A bounded cursor over bytes that it does not own. Reads past the end fail with kInvalid and leave
// the cursor where it was. Not thread-safe.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  size_t left() const { return rest_.size(); }

  Result<Bytes> take(uint64_t count) {
    if (count > rest_.size()) return invalid("{} bytes left, need {}", rest_.size(), count);
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  // A little-endian number.
  template <typename T>
  Result<T> number() {
    static_assert(std::is_arithmetic_v<T>);
    TRY(bytes, take(sizeof(T)));
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  // A big-endian one.
  template <std::integral T>
  Result<T> big_number() {
    TRY(value, number<T>());
    return std::byteswap(value);
  }

 private:
  Bytes rest_;
};

}  // namespace cloister
