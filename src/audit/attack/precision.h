// How networks are trained fast on the machine at hand.
#pragma once

#include <ATen/ATen.h>

namespace cloister::audit {

// What convolutions and matrix products of attackers run in; weights and losses stay f32. bf16 on a
// GPU and on processors that multiply it (AVX512-BF16, AMX), else f32.
at::ScalarType training_type(at::Device device);

// For the whole process, to be called before the first large tensor is made: no denormal numbers,
// TF32 on GPUs, and keep_freed_memory().
void tune_for_training();

}  // namespace cloister::audit
