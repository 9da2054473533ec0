// Pictures to files (library cloister_image_decode, which has OpenCV).
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace cloister {

// u8 [H,W,3] in RGB order, or [H,W,1], as a PNG file. kInvalid for another type or shape.
// Thread-safe.
Result<std::string> encode_png(const TensorView& pixels);

}  // namespace cloister
