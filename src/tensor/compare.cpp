#include "tensor/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cloister {
namespace {

template <typename Stored, typename Convert>
void accumulate(const TensorView& a, const TensorView& b, Convert convert, Difference& out) {
  const auto xs = a.as<Stored>();
  const auto ys = b.as<Stored>();
  for (size_t i = 0; i < xs.size(); ++i) {
    const double x = convert(xs[i]);
    const double y = convert(ys[i]);
    if (std::isfinite(y)) out.max_magnitude = std::max(out.max_magnitude, std::abs(y));
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double apart = std::abs(x - y);
    out.max_abs =
        std::max(out.max_abs, std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart);
  }
}

template <typename T>
double as_double(T value) {
  return static_cast<double>(value);
}

}  // namespace

double Difference::relative() const {
  if (max_abs == 0) return 0;
  return max_magnitude > 0 ? max_abs / max_magnitude : std::numeric_limits<double>::infinity();
}

Result<Difference> compare(const TensorView& a, const TensorView& b) {
  if (a.dtype != b.dtype || a.shape != b.shape || a.data.size() != b.data.size()) {
    return invalid("got {}{}, want {}{}", dtype_name(a.dtype), shape_text(a.shape),
                   dtype_name(b.dtype), shape_text(b.shape));
  }
  Difference out;
  out.identical = std::ranges::equal(a.data, b.data);
  switch (a.dtype) {
    case DType::kF32:
      accumulate<float>(a, b, as_double<float>, out);
      return out;
    case DType::kF64:
      accumulate<double>(a, b, as_double<double>, out);
      return out;
    case DType::kF16:
      accumulate<uint16_t>(a, b, half_to_float, out);
      return out;
    case DType::kBF16:
      accumulate<uint16_t>(a, b, bfloat16_to_float, out);
      return out;
    case DType::kI8:
      accumulate<int8_t>(a, b, as_double<int8_t>, out);
      return out;
    case DType::kU8:
    case DType::kBool:
      accumulate<uint8_t>(a, b, as_double<uint8_t>, out);
      return out;
    case DType::kI16:
      accumulate<int16_t>(a, b, as_double<int16_t>, out);
      return out;
    case DType::kU16:
      accumulate<uint16_t>(a, b, as_double<uint16_t>, out);
      return out;
    case DType::kI32:
      accumulate<int32_t>(a, b, as_double<int32_t>, out);
      return out;
    case DType::kU32:
      accumulate<uint32_t>(a, b, as_double<uint32_t>, out);
      return out;
    case DType::kI64:
      accumulate<int64_t>(a, b, as_double<int64_t>, out);
      return out;
    case DType::kU64:
      accumulate<uint64_t>(a, b, as_double<uint64_t>, out);
      return out;
    default:
      return fail(Kind::kUnsupported, "can't compare {} tensors", dtype_name(a.dtype));
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

}  // namespace cloister
