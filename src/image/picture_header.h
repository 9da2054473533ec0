// What a JPEG or PNG file declares, read before a decoder sees it. Formats: ITU-T T.81 (JPEG), PNG
// (Third Edition).
#pragma once

#include "base/bytes.h"

namespace cloister {

enum class PictureFormat { kJpeg, kPng };

struct PictureHeader {
  PictureFormat format;
  int64_t width;   // pixels, as stored: before any EXIF rotation
  int64_t height;  // pixels
};

// Checks the magic bytes, the declared size (1 to 32768 a side, at most 100 million pixels) and
// that the file is whole: a JPEG up to its EOI marker, a PNG up to IEND. kInvalid for a damaged or
// too large picture; kUnsupported for another format and for the kinds of JPEG that are not decoded
// (CMYK, 12 bit, lossless, arithmetic). Thread-safe.
Result<PictureHeader> parse_picture_header(Bytes file);

}  // namespace cloister
