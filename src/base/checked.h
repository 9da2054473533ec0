// Arithmetic on sizes that come from outside: overflow is an error, never a wrap.
#pragma once

#include <cstdint>
#include <limits>

#include "base/error.h"

namespace cloister {

inline Result<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return invalid("size overflows: {} x {}", a, b);
  return product;
}

inline Result<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return invalid("size overflows: {} + {}", a, b);
  return sum;
}

// For totals that are only reported: stays at the largest value instead of wrapping.
inline uint64_t saturating_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<uint64_t>::max() : sum;
}

inline uint64_t saturating_mul(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<uint64_t>::max() : product;
}

}  // namespace cloister
