#pragma once

#include "tensor/tensor.h"

namespace cloister {

// A tensor of pseudo-random values, the same for the same seed on every machine: floating-point
// types in [-1, 1], bool and integers 0 or 1. For trying models out, not for cryptography.
// kUnsupported for types that are not portable.
Result<Tensor> random_tensor(DType dtype, const Shape& shape, uint64_t seed);

}  // namespace cloister
