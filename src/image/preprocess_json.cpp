#include "base/parse_file.h"
#include "image/preprocess.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister {
namespace {

constexpr std::string_view kSchema = "cloister/preprocess/1";
constexpr uint64_t kMaxBytes = 1 << 16;

constexpr Word<Channels> kChannels[] = {
    {Channels::kRgb, "rgb"}, {Channels::kBgr, "bgr"}, {Channels::kGray, "gray"}};
constexpr Word<Layout> kLayouts[] = {{Layout::kNchw, "nchw"}, {Layout::kNhwc, "nhwc"}};
constexpr Word<Interpolation> kInterpolations[] = {{Interpolation::kNearest, "nearest"},
                                                   {Interpolation::kBilinear, "bilinear"},
                                                   {Interpolation::kBicubic, "bicubic"},
                                                   {Interpolation::kArea, "area"},
                                                   {Interpolation::kLanczos, "lanczos"}};
constexpr Word<DType> kDTypes[] = {{DType::kF32, "f32"}, {DType::kU8, "u8"}};
constexpr Word<ResizeMode> kModes[] = {{ResizeMode::kAsIs, "none"},
                                       {ResizeMode::kShorterSide, "shorter-side"},
                                       {ResizeMode::kExact, "exact"}};

template <typename T, size_t N>
Result<T> value_of(const Word<T> (&words)[N], std::string_view key, std::string_view word) {
  T value{};
  if (auto known = value_of_word(words, word, value); !known) {
    return with_context(known.error(), std::string(key));
  }
  return value;
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Preprocess> p) {
  io.schema("schema", kSchema);
  io.group("resize", [&](auto& resize) {
    resize.word("mode", p.resize, kModes);
    if (p.resize == ResizeMode::kShorterSide) resize.integer("size", p.resize_size, 1, kMaxSide);
    if (p.resize == ResizeMode::kExact) {
      resize.integer("width", p.resize_width, 1, kMaxSide);
      resize.integer("height", p.resize_height, 1, kMaxSide);
    }
  });
  io.word("interpolation", p.interpolation, kInterpolations);
  io.group_or_null("crop", p.crop_width != 0, [&](auto& crop) {
    crop.integer("width", p.crop_width, 1, kMaxSide);
    crop.integer("height", p.crop_height, 1, kMaxSide);
  });
  io.word("channels", p.channels, kChannels);
  io.real("scale", p.scale, -kHuge, kHuge);
  io.reals("mean", p.mean, 3, -kHuge, kHuge);
  io.reals("std", p.std, 3, -kHuge, kHuge);
  io.word("layout", p.layout, kLayouts);
  io.word("dtype", p.dtype, kDTypes);
}

namespace {

Result<Preprocess> parse(std::string_view json) {
  TRY(p, read_json_record<Preprocess>(json, kSchema, kMaxBytes, RecordReader::Missing::kDefaults));
  TRY_OK(validate(p));
  return p;
}

}  // namespace

Result<Channels> parse_channels(std::string_view key, std::string_view word) {
  return value_of(kChannels, key, word);
}

Result<Layout> parse_layout(std::string_view key, std::string_view word) {
  return value_of(kLayouts, key, word);
}

Result<Interpolation> parse_interpolation(std::string_view key, std::string_view word) {
  return value_of(kInterpolations, key, word);
}

Result<DType> parse_pixel_dtype(std::string_view key, std::string_view word) {
  return value_of(kDTypes, key, word);
}

Result<Preprocess> parse_preprocess(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "preprocess record");
  return parsed;
}

Result<Preprocess> read_preprocess(const fs::path& path) {
  return parse_file(path, kMaxBytes, parse_preprocess);
}

std::string preprocess_json(const Preprocess& p) {
  return *write_indented_record(p);
}

Result<Preprocess> find_preprocess(const std::string& preset_or_path) {
  for (const std::string_view preset : preprocess_presets()) {
    if (preset_or_path == preset) return preprocess_preset(preset);
  }
  return read_preprocess(preset_or_path);
}

}  // namespace cloister
