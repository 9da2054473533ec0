// Between Cloister's tensors and LibTorch's.
#pragma once

#include <ATen/ATen.h>

#include "tensor/tensor.h"

namespace cloister {

// A copy. kUnsupported for element types that LibTorch lacks.
Result<at::Tensor> to_torch(const TensorView& tensor);

// The same memory, which must outlive the result and is not to be written.
Result<at::Tensor> borrow_torch(const TensorView& tensor);

// On the CPU, contiguous, without a copy where it is so already.
Result<Tensor> from_torch(const at::Tensor& tensor);

}  // namespace cloister
