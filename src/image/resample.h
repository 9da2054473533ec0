#pragma once

#include "tensor/tensor.h"

namespace cloister {

enum class Interpolation { kNearest, kBilinear, kBicubic, kArea, kLanczos };

// u8 [H,W,C] pixels resized to [height,width,C]. The filter widens when the picture shrinks
// (antialiasing) and the result is, bit for bit, that of Pillow's Image.resize (NEAREST, BILINEAR,
// BICUBIC, BOX, LANCZOS), which torchvision's preprocessing of PIL images is made of; OpenCV's
// INTER_LINEAR does not antialias and differs visibly. kInvalid for another type or rank, and for
// an empty picture on either side. Thread-safe.
Result<Tensor> resize_pixels(const TensorView& pixels, int64_t width, int64_t height,
                             Interpolation interpolation);

}  // namespace cloister
