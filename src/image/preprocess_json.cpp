#include <nlohmann/json.hpp>

#include "base/parse_file.h"
#include "base/words.h"
#include "image/preprocess.h"
#include "record/json.h"

namespace cloister {
namespace {

constexpr std::string_view kSchema = "cloister/preprocess/1";
constexpr uint64_t kMaxBytes = 1 << 16;
const std::vector<std::string_view> kKeys = {"schema",   "resize", "interpolation", "crop",
                                             "channels", "scale",  "mean",          "std",
                                             "layout",   "dtype"};

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

Result<int64_t> side(std::string_view key, const Json& value) {
  const bool fits = value.is_number_unsigned() && value.get<uint64_t>() >= 1 &&
                    value.get<uint64_t>() <= static_cast<uint64_t>(kMaxSide);
  if (!fits) return wrong_json(key, value, fmt::format("a whole number from 1 to {}", kMaxSide));
  return value.get<int64_t>();
}

Result<std::vector<double>> numbers(std::string_view key, const Json& value) {
  constexpr std::string_view kWant = "an array of 1 or 3 numbers";
  if (!value.is_array() || (value.size() != 1 && value.size() != 3)) {
    return wrong_json(key, value, kWant);
  }
  std::vector<double> out;
  for (const Json& number : value) {
    if (!number.is_number()) return wrong_json(key, value, kWant);
    out.push_back(number.get<double>());
  }
  return out;
}

Result<> parse_resize(const Json& value, Preprocess& p) {
  if (!value.is_object() || !value.contains("mode")) {
    return wrong_json("resize", value, "an object with a 'mode'");
  }
  TRY(word, json_text("resize.mode", value["mode"]));
  TRY(mode, value_of(kModes, "resize.mode", word));
  p.resize = mode;
  switch (mode) {
    case ResizeMode::kAsIs:
      return check_keys("resize", value, {"mode"});
    case ResizeMode::kShorterSide: {
      TRY_OK(check_keys("resize", value, {"mode", "size"}));
      TRY(size, side("resize.size", value["size"]));
      p.resize_size = size;
      return {};
    }
    case ResizeMode::kExact: {
      TRY_OK(check_keys("resize", value, {"mode", "width", "height"}));
      TRY(width, side("resize.width", value["width"]));
      TRY(height, side("resize.height", value["height"]));
      p.resize_width = width;
      p.resize_height = height;
      return {};
    }
  }
  return {};
}

Result<> parse_crop(const Json& value, Preprocess& p) {
  if (value.is_null()) return {};
  TRY_OK(check_keys("crop", value, {"width", "height"}));
  TRY(width, side("crop.width", value["width"]));
  TRY(height, side("crop.height", value["height"]));
  p.crop_width = width;
  p.crop_height = height;
  return {};
}

Result<> parse_field(const std::string& key, const Json& value, Preprocess& p) {
  if (key == "resize") return parse_resize(value, p);
  if (key == "crop") return parse_crop(value, p);
  if (key == "scale") {
    if (!value.is_number()) return wrong_json(key, value, "a number");
    p.scale = value.get<double>();
    return {};
  }
  if (key == "mean" || key == "std") {
    TRY(list, numbers(key, value));
    (key == "mean" ? p.mean : p.std) = list;
    return {};
  }
  if (key == "schema") return {};
  TRY(word, json_text(key, value));
  if (key == "interpolation") {
    TRY(interpolation, parse_interpolation(key, word));
    p.interpolation = interpolation;
  } else if (key == "channels") {
    TRY(channels, parse_channels(key, word));
    p.channels = channels;
  } else if (key == "layout") {
    TRY(layout, parse_layout(key, word));
    p.layout = layout;
  } else if (key == "dtype") {
    TRY(dtype, parse_pixel_dtype(key, word));
    p.dtype = dtype;
  }
  return {};
}

Result<Preprocess> parse(std::string_view json) {
  TRY(root, parse_strict_json(json, kMaxBytes));
  TRY_OK(check_schema(root, kSchema));
  TRY_OK(check_keys("record", root, kKeys, {"schema"}));
  Preprocess p;
  for (const auto& [key, value] : root.items()) TRY_OK(parse_field(key, value, p));
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
  Json root;
  root["schema"] = kSchema;
  Json& resize = root["resize"];
  resize["mode"] = word_of(kModes, p.resize);
  if (p.resize == ResizeMode::kShorterSide) resize["size"] = p.resize_size;
  if (p.resize == ResizeMode::kExact) {
    resize["width"] = p.resize_width;
    resize["height"] = p.resize_height;
  }
  root["interpolation"] = word_of(kInterpolations, p.interpolation);
  root["crop"] = nullptr;
  if (p.crop_width != 0) root["crop"] = {{"width", p.crop_width}, {"height", p.crop_height}};
  root["channels"] = word_of(kChannels, p.channels);
  root["scale"] = p.scale;
  root["mean"] = p.mean;
  root["std"] = p.std;
  root["layout"] = word_of(kLayouts, p.layout);
  root["dtype"] = word_of(kDTypes, p.dtype);
  return root.dump(2) + "\n";
}

Result<Preprocess> find_preprocess(const std::string& preset_or_path) {
  for (const std::string_view preset : preprocess_presets()) {
    if (preset_or_path == preset) return preprocess_preset(preset);
  }
  return read_preprocess(preset_or_path);
}

}  // namespace cloister
