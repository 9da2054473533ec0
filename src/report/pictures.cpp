#include "report/pictures.h"

#include "report/html.h"

namespace cloister::report {
namespace {

constexpr uint64_t kMaxBytes = 1 << 20;
constexpr uint64_t kMaxAllBytes = 64 << 20;
constexpr uint32_t kMaxPixels = 2048;

struct Dimension {
  uint32_t width = 0;
  uint32_t height = 0;
};

Result<uint32_t> big_endian(Reader& reader) {
  TRY(value, reader.number<uint32_t>());
  return __builtin_bswap32(value);
}

// From the header; the rest is for the browser, which takes pictures of strangers all day.
Result<Dimension> png_dimension(std::string_view file) {
  constexpr std::string_view kStart("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  if (!file.starts_with(kStart)) return invalid("not a PNG file");
  Reader reader(as_bytes(file.substr(kStart.size())));
  TRY(width, big_endian(reader));
  TRY(height, big_endian(reader));
  if (width < 1 || height < 1 || width > kMaxPixels || height > kMaxPixels) {
    return invalid("{} x {} pixels, want 1 to {} a side", width, height, kMaxPixels);
  }
  return Dimension{width, height};
}

}  // namespace

Result<std::string> Pictures::image(const std::string& path, const std::string& alt) {
  const std::string context = fmt::format("picture '{}'", printable(path));
  const auto found = resolve_inside(folder_, path);
  if (!found && found.error().kind == Kind::kNotFound) {
    return std::string("<span class=\"missing\">picture not available</span>");
  }
  if (!found) return with_context(found.error(), context);
  const auto file = read_file(*found, kMaxBytes);
  if (!file) return with_context(file.error(), context);
  const auto dimension = png_dimension(*file);
  if (!dimension) return with_context(dimension.error(), context);
  bytes_ += file->size();
  if (bytes_ > kMaxAllBytes) {
    return invalid("{}: the page's pictures have more than {} bytes", context, kMaxAllBytes);
  }
  return fmt::format(
      "<img src=\"data:image/png;base64,{}\" width=\"{}\" height=\"{}\" alt=\"{}\" "
      "loading=\"lazy\">",
      base64(as_bytes(*file)), dimension->width, dimension->height, escape(alt));
}

}  // namespace cloister::report
