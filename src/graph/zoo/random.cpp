#include "graph/zoo/random.h"

#include <cstring>

#include "base/bytes.h"

namespace cloister::zoo {
namespace {

constexpr uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// FNV-1a
uint64_t hash(std::string_view text) {
  uint64_t h = 0xCBF29CE484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return h;
}

}  // namespace

RandomStream::RandomStream(uint64_t seed, std::string_view name)
    : key_(mix(hash(name) + mix(seed + kGoldenRatio))) {}

uint64_t RandomStream::operator[](uint64_t index) const {
  return mix(key_ + (index + 1) * kGoldenRatio);
}

std::string uniform_f32(const RandomStream& stream, uint64_t count, Uniform range) {
  std::string bytes(count * sizeof(float), '\0');
  const double centre = range.centre;
  const double step = static_cast<double>(range.radius) / (1 << 23);
  for (uint64_t i = 0; i < count; ++i) {
    // 24 bits times a float's 24 bits is exact in a double, so a compiler that fuses the multiply
    // and the add gets the same result as one that does not.
    const int32_t ticks = static_cast<int32_t>(stream[i] >> 40) - (1 << 23);
    const float value = static_cast<float>(centre + ticks * step);
    std::memcpy(bytes.data() + i * sizeof(float), &value, sizeof(float));
  }
  return bytes;
}

}  // namespace cloister::zoo
