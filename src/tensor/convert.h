#pragma once

#include <optional>
#include <vector>

#include "tensor/tensor.h"

namespace cloister {

// The elements as doubles (64-bit integers may be rounded). kUnsupported for types that are not
// portable.
Result<std::vector<double>> to_doubles(const TensorView& tensor);

// IEEE 754 half precision and bfloat16, as stored, to float.
float half_to_float(uint16_t bits);
float bfloat16_to_float(uint16_t bits);

// The nearest such number, of two the even one; nothing when that would be infinite, or for NaN.
std::optional<uint16_t> to_half(double value);
std::optional<uint16_t> to_bfloat16(double value);

}  // namespace cloister
