#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace cloister {

// The elements as doubles (64-bit integers may be rounded). kUnsupported for types that are not
// portable.
Result<std::vector<double>> to_doubles(const TensorView& tensor);

// IEEE 754 half precision and bfloat16, as stored, to float.
float half_to_float(uint16_t bits);
float bfloat16_to_float(uint16_t bits);

}  // namespace cloister
