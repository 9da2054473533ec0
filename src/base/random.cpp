#include "base/random.h"

#include <openssl/rand.h>

#include <limits>

namespace cloister {

Result<> random_bytes(MutableBytes bytes) {
  constexpr size_t kMost = std::numeric_limits<int>::max();
  if (bytes.size() > kMost) return invalid("{} random bytes, want at most {}", bytes.size(), kMost);
  auto* const out = reinterpret_cast<unsigned char*>(bytes.data());
  if (RAND_bytes(out, static_cast<int>(bytes.size())) != 1) {
    return fail(Kind::kInternal, "no random numbers");
  }
  return {};
}

Result<uint64_t> random_number() {
  uint64_t number = 0;
  TRY_OK(random_bytes(std::as_writable_bytes(std::span(&number, 1))));
  return number;
}

}  // namespace cloister
