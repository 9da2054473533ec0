#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace cloister {

using Digest = std::array<std::byte, 32>;

// SHA-256 (FIPS 180-4) of bytes that arrive in pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(Bytes bytes);
  Digest finish();  // once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest sha256(Bytes bytes);

// For unordered containers. A digest is as good as random, so any of it will do.
struct DigestHash {
  size_t operator()(const Digest& digest) const;
};

// Lower-case hexadecimal.
std::string to_hex(Bytes bytes);

}  // namespace cloister
