// Reproducible weights: the same seed gives the same bits with every compiler and on every
// platform.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloister::zoo {

// Values spread evenly over [centre - radius, centre + radius).
struct Uniform {
  float centre = 0.0f;
  float radius = 1.0f;
};

// A stream of 64-bit numbers that depends on `seed` and `name` alone: SplitMix64 (Steele, Lea,
// Flood 2014) used as a counter, so a tensor's values depend neither on the other tensors nor on
// the order of generation. Not for secrets. Immutable, thread-safe.
class RandomStream {
 public:
  RandomStream(uint64_t seed, std::string_view name);

  uint64_t operator[](uint64_t index) const;

 private:
  uint64_t key_;
};

// `count` floats, as the little-endian bytes that TensorProto.raw_data holds.
std::string uniform_f32(const RandomStream& stream, uint64_t count, Uniform range);

}  // namespace cloister::zoo
