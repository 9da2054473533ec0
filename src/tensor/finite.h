#pragma once

#include "tensor/tensor.h"

namespace cloister {

// Whether no element is an infinity or NaN. Of other types than f16, bf16, f32 and f64: true.
bool all_finite(const TensorView& tensor);

}  // namespace cloister
