#include "image/picture_header.h"

#include <bit>
#include <optional>

#include "image/preprocess.h"

namespace cloister {
namespace {

constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegMagic = "\xff\xd8\xff";
constexpr uint64_t kMaxStoredSide = 32768;

// PNG and JPEG are big-endian.
template <typename T>
Result<T> big_endian(Reader& in) {
  TRY(value, in.number<T>());
  return std::byteswap(value);
}

Result<PictureHeader> checked_size(PictureFormat format, uint64_t width, uint64_t height) {
  if (width < 1 || height < 1 || width > kMaxStoredSide || height > kMaxStoredSide) {
    return invalid("declares {}x{} pixels, want 1 to {} a side", width, height, kMaxStoredSide);
  }
  if (width * height > static_cast<uint64_t>(kMaxPixels)) {
    return invalid("declares {}x{} = {} pixels, at most {} are decoded", width, height,
                   width * height, kMaxPixels);
  }
  return PictureHeader{format, static_cast<int64_t>(width), static_cast<int64_t>(height)};
}

// Chunks are: length, type, data, CRC. The first is IHDR, the last IEND.
Result<PictureHeader> parse_png(Reader in) {
  TRY_OK(in.take(kPngMagic.size()));
  TRY(length, big_endian<uint32_t>(in));
  TRY(type, in.take(4));
  if (as_text(type) != "IHDR" || length != 13) {
    return invalid("starts with chunk '{}' of {} bytes, want IHDR of 13", printable(as_text(type)),
                   length);
  }
  TRY(width, big_endian<uint32_t>(in));
  TRY(height, big_endian<uint32_t>(in));
  TRY(header, checked_size(PictureFormat::kPng, width, height));
  TRY_OK(in.take(5 + 4));
  bool has_data = false;
  while (true) {
    TRY(size, big_endian<uint32_t>(in));
    TRY(name, in.take(4));
    TRY_OK(in.take(static_cast<uint64_t>(size) + 4));
    has_data = has_data || as_text(name) == "IDAT";
    if (as_text(name) != "IEND") continue;
    if (!has_data) return invalid("PNG without IDAT before its IEND: no pixels");
    return header;
  }
}

// SOFn: precision, height, width, number of components.
Result<PictureHeader> parse_frame(uint8_t marker, Reader in) {
  if (marker != 0xc0 && marker != 0xc1 && marker != 0xc2) {
    return fail(Kind::kUnsupported, "JPEG of kind SOF{}, want SOF0, SOF1 or SOF2 (Huffman-coded)",
                marker - 0xc0);
  }
  TRY(precision, in.number<uint8_t>());
  TRY(height, big_endian<uint16_t>(in));
  TRY(width, big_endian<uint16_t>(in));
  TRY(components, in.number<uint8_t>());
  if (precision != 8) {
    return fail(Kind::kUnsupported, "JPEG with {} bits a sample, want 8", precision);
  }
  if (components != 1 && components != 3) {
    return fail(Kind::kUnsupported, "JPEG with {} components{}, want 1 (gray) or 3 (colour)",
                components, components == 4 ? " (CMYK)" : "");
  }
  return checked_size(PictureFormat::kJpeg, width, height);
}

bool is_frame(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

// The next marker's code: after SOS it lies behind entropy-coded data, in which FF is followed by
// 00 or by a restart marker.
Result<uint8_t> next_marker(Reader& in, bool in_scan) {
  while (true) {
    TRY(byte, in.number<uint8_t>());
    if (byte != 0xff) {
      if (in_scan) continue;
      return invalid("byte {:02x} where a JPEG marker is due, want ff", byte);
    }
    TRY(first, in.number<uint8_t>());
    uint8_t code = first;
    while (code == 0xff) {
      TRY(more, in.number<uint8_t>());
      code = more;
    }
    if (in_scan && (code == 0x00 || (code >= 0xd0 && code <= 0xd7))) continue;
    return code;
  }
}

Result<PictureHeader> parse_jpeg(Reader in) {
  TRY_OK(in.take(2));
  std::optional<PictureHeader> header;
  bool in_scan = false;
  while (true) {
    TRY(marker, next_marker(in, in_scan));
    if (marker == 0xd9) {
      if (!header || !in_scan) return invalid("JPEG without a picture before its end marker");
      return *header;
    }
    TRY(length, big_endian<uint16_t>(in));
    if (length < 2) return invalid("JPEG segment of {} bytes, want 2 or more", length);
    TRY(segment, in.take(length - 2U));
    if (is_frame(marker)) {
      // A second frame would make the size that was checked another than the one decoded.
      if (header) return invalid("JPEG with two frames, want one");
      TRY(frame, parse_frame(marker, Reader(segment)));
      header = frame;
    }
    if (marker == 0xda && !header) return invalid("JPEG scan before its frame");
    in_scan = marker == 0xda || in_scan;
  }
}

}  // namespace

Result<PictureHeader> parse_picture_header(Bytes file) {
  const std::string_view text = as_text(file);
  const bool png = text.starts_with(kPngMagic);
  if (!png && !text.starts_with(kJpegMagic)) {
    return fail(Kind::kUnsupported, "starts with '{}', want a JPEG or PNG picture",
                printable(text.substr(0, 8)));
  }
  auto header = png ? parse_png(Reader(file)) : parse_jpeg(Reader(file));
  // The reader ran out of bytes: say what that means.
  if (!header && header.error().message.contains(" bytes left, need ")) {
    return invalid("truncated: {} ends before its end marker", png ? "PNG" : "JPEG");
  }
  return header;
}

}  // namespace cloister
