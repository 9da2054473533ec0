// The loss of rebuilt pictures and its gradient in one pass over the pixels. With autograd's own
// operations the loss took nearly half of a training step on the CPU.
#pragma once

#include <ATen/ATen.h>

namespace cloister::audit {

// Scalar: L1 + 1 - SSIM over boxes of 8x8 pixels, 4 apart (population moments, the constants of
// metrics.h), for `rebuilt` and `inputs` f32 [N,C,H,W], both on the CPU, 8 pixels a side or more.
// Gradients flow to `rebuilt` alone.
at::Tensor fused_picture_loss(const at::Tensor& rebuilt, const at::Tensor& inputs);

}  // namespace cloister::audit
