// Tensors that hold items one after the other: along their first dimension.
#pragma once

#include "tensor/tensor.h"

namespace cloister {

// Tensors that differ at most in their first dimension, one after the other. There is at least one.
Result<Tensor> concatenate(const std::vector<Tensor>& pieces);

// The items [begin, begin + count) of a tensor that has them; shares its memory, all of it. `count`
// is 1 or more, and no two items share a byte.
Result<Tensor> slice_items(const Tensor& tensor, int64_t begin, int64_t count);

}  // namespace cloister
