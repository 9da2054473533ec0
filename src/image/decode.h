// Pictures from files: JPEG and PNG, through OpenCV (library cloister_image_decode; the rest of
// image/ does without).
#pragma once

#include "image/preprocess.h"

namespace cloister {

// A JPEG or PNG file as u8 [H,W,3] in RGB order, turned upright by its EXIF orientation. Gray is
// spread to three channels, palettes are resolved and alpha is dropped (the colours under it stay),
// as Pillow's convert("RGB") does; 16-bit samples keep their high byte. Colour profiles are
// ignored. Sizes are checked before decoding, see picture_header.h for limits and errors; kInvalid
// also when the decoder finds the data damaged. Thread-safe.
Result<Tensor> decode_picture(Bytes file);

// A file of at most 256 MiB, decoded and prepared: [1,C,H,W] or [1,H,W,C]. Errors of
// decode_picture(), geometry(), validate() and read_file(); they carry the path. Thread-safe.
Result<Tensor> load_picture(const fs::path& path, const Preprocess& preprocess);

}  // namespace cloister
