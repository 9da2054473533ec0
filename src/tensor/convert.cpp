#include "tensor/convert.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cloister {
namespace {

template <typename Stored>
std::vector<double> all(const TensorView& tensor) {
  const auto elements = tensor.as<Stored>();
  return {elements.begin(), elements.end()};
}

std::vector<double> all(const TensorView& tensor, float (*convert)(uint16_t)) {
  std::vector<double> out;
  out.reserve(tensor.data.size() / sizeof(uint16_t));
  for (const uint16_t bits : tensor.as<uint16_t>()) out.push_back(convert(bits));
  return out;
}

// Rounds to a 16-bit format with so many bits of mantissa; the rest are sign and exponent.
std::optional<uint16_t> to_16_bits(double value, int mantissa_bits) {
  if (!std::isfinite(value)) return std::nullopt;
  const int bias = (1 << (14 - mantissa_bits)) - 1;
  const int smallest = 1 - bias;  // the exponent of what has no leading one, too
  const int exponent = value == 0 ? smallest : std::max(std::ilogb(value), smallest);
  const double steps = std::nearbyint(std::ldexp(std::abs(value), mantissa_bits - exponent));
  // Rounding up to the next power of two carries into the exponent, and the leading one adds to it.
  const int bits = ((exponent + bias - 1) << mantissa_bits) + static_cast<int>(steps);
  const int infinity = (2 * bias + 1) << mantissa_bits;
  if (bits >= infinity) return std::nullopt;
  return static_cast<uint16_t>(bits | (std::signbit(value) ? 0x8000 : 0));
}

}  // namespace

Result<std::vector<double>> to_doubles(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::kF32:
      return all<float>(tensor);
    case DType::kF64:
      return all<double>(tensor);
    case DType::kF16:
      return all(tensor, half_to_float);
    case DType::kBF16:
      return all(tensor, bfloat16_to_float);
    case DType::kI8:
      return all<int8_t>(tensor);
    case DType::kU8:
    case DType::kBool:
      return all<uint8_t>(tensor);
    case DType::kI16:
      return all<int16_t>(tensor);
    case DType::kU16:
      return all<uint16_t>(tensor);
    case DType::kI32:
      return all<int32_t>(tensor);
    case DType::kU32:
      return all<uint32_t>(tensor);
    case DType::kI64:
      return all<int64_t>(tensor);
    case DType::kU64:
      return all<uint64_t>(tensor);
    default:
      return fail(Kind::kUnsupported, "{} tensors have no numbers that can be read",
                  dtype_name(tensor.dtype));
  }
}

float half_to_float(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const int mantissa = bits & 0x3ff;
  float magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = mantissa == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(mantissa | 0x400), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float bfloat16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

std::optional<uint16_t> to_half(double value) {
  return to_16_bits(value, 10);
}

std::optional<uint16_t> to_bfloat16(double value) {
  return to_16_bits(value, 7);
}

}  // namespace cloister
