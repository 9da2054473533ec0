#pragma once

#include "tensor/tensor.h"

namespace cloister {

// How far two tensors of the same type and shape are apart.
struct Difference {
  bool identical = false;    // bit for bit
  double max_abs = 0;        // largest |a - b|; infinite where only one is NaN, or both are
                             // infinite and differ
  double max_magnitude = 0;  // largest finite |b|, the reference

  // max_abs as a share of the reference's largest magnitude.
  double relative() const;
};

// Compares `a` with the reference `b`. kInvalid when type or shape differ, kUnsupported for types
// that are not portable.
Result<Difference> compare(const TensorView& a, const TensorView& b);

}  // namespace cloister
