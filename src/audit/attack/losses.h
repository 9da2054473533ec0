// What attackers minimise. Differentiable, f32.
#pragma once

#include "audit/attack/input_space.h"

namespace cloister::audit {

// How far reconstructions are from their inputs, both [N, item...]. Pictures: L1 + (1 - SSIM), SSIM
// on 8x8 boxes 4 pixels apart instead of a Gaussian window, which is as good a guide and far
// cheaper. Rows: squared error of numbers (at most 1 counts whole, more by its root: Huber), cross
// entropy of categories.
at::Tensor reconstruction_loss(const InputSpace& space, const at::Tensor& rebuilt,
                               const at::Tensor& inputs);

// Mean absolute difference of neighbouring pixels, one a picture of [N,C,H,W].
at::Tensor total_variation(const at::Tensor& pictures);

}  // namespace cloister::audit
