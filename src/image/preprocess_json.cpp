#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>

#include "image/preprocess.h"

namespace cloister {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "cloister/preprocess/1";
constexpr uint64_t kMaxBytes = 1 << 16;

template <typename T>
struct Word {
  std::string_view word;
  T value;
};

constexpr Word<Channels> kChannels[] = {
    {"rgb", Channels::kRgb}, {"bgr", Channels::kBgr}, {"gray", Channels::kGray}};
constexpr Word<Layout> kLayouts[] = {{"nchw", Layout::kNchw}, {"nhwc", Layout::kNhwc}};
constexpr Word<Interpolation> kInterpolations[] = {{"nearest", Interpolation::kNearest},
                                                   {"bilinear", Interpolation::kBilinear},
                                                   {"bicubic", Interpolation::kBicubic},
                                                   {"area", Interpolation::kArea},
                                                   {"lanczos", Interpolation::kLanczos}};
constexpr Word<DType> kDTypes[] = {{"f32", DType::kF32}, {"u8", DType::kU8}};
constexpr Word<ResizeMode> kModes[] = {{"none", ResizeMode::kAsIs},
                                       {"shorter-side", ResizeMode::kShorterSide},
                                       {"exact", ResizeMode::kExact}};

template <typename T, size_t N>
Result<T> value_of(const Word<T> (&words)[N], std::string_view key, std::string_view word) {
  std::vector<std::string_view> known;
  for (const Word<T>& candidate : words) {
    if (candidate.word == word) return candidate.value;
    known.push_back(candidate.word);
  }
  return invalid("{}: '{}', want {}", key, printable(word, 40), fmt::join(known, ", "));
}

template <typename T, size_t N>
std::string_view word_of(const Word<T> (&words)[N], T value) {
  for (const Word<T>& candidate : words) {
    if (candidate.value == value) return candidate.word;
  }
  return "?";
}

std::unexpected<Error> wrong_type(std::string_view key, const Json& found, std::string_view want) {
  const std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  return invalid("{}: {}, want {}", key, printable(text, 40), want);
}

Result<std::string> text(std::string_view key, const Json& value) {
  if (!value.is_string()) return wrong_type(key, value, "a string");
  return value.get<std::string>();
}

Result<int64_t> side(std::string_view key, const Json& value) {
  const bool fits = value.is_number_unsigned() && value.get<uint64_t>() >= 1 &&
                    value.get<uint64_t>() <= static_cast<uint64_t>(kMaxSide);
  if (!fits) return wrong_type(key, value, fmt::format("a whole number from 1 to {}", kMaxSide));
  return value.get<int64_t>();
}

Result<std::vector<double>> numbers(std::string_view key, const Json& value) {
  constexpr std::string_view kWant = "an array of 1 or 3 numbers";
  if (!value.is_array() || (value.size() != 1 && value.size() != 3)) {
    return wrong_type(key, value, kWant);
  }
  std::vector<double> out;
  for (const Json& number : value) {
    if (!number.is_number()) return wrong_type(key, value, kWant);
    out.push_back(number.get<double>());
  }
  return out;
}

// `value` must be an object with no keys but these, and all of the first `required`.
Result<> check_keys(std::string_view key, const Json& value,
                    const std::vector<std::string_view>& keys, size_t required) {
  if (!value.is_object()) return wrong_type(key, value, "an object");
  for (const auto& [found, _] : value.items()) {
    if (std::ranges::find(keys, found) == keys.end()) {
      return invalid("{}: unknown key '{}', want {}", key, printable(found, 40),
                     fmt::join(keys, ", "));
    }
  }
  for (const std::string_view wanted : std::span(keys).first(required)) {
    if (!value.contains(wanted)) return invalid("{}: no key '{}'", key, wanted);
  }
  return {};
}

Result<> parse_resize(const Json& value, Preprocess& p) {
  if (!value.is_object() || !value.contains("mode")) {
    return wrong_type("resize", value, "an object with a 'mode'");
  }
  TRY(word, text("resize.mode", value["mode"]));
  TRY(mode, value_of(kModes, "resize.mode", word));
  p.resize = mode;
  switch (mode) {
    case ResizeMode::kAsIs:
      return check_keys("resize", value, {"mode"}, 1);
    case ResizeMode::kShorterSide: {
      TRY_OK(check_keys("resize", value, {"mode", "size"}, 2));
      TRY(size, side("resize.size", value["size"]));
      p.resize_size = size;
      return {};
    }
    case ResizeMode::kExact: {
      TRY_OK(check_keys("resize", value, {"mode", "width", "height"}, 3));
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
  TRY_OK(check_keys("crop", value, {"width", "height"}, 2));
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
    if (!value.is_number()) return wrong_type(key, value, "a number");
    p.scale = value.get<double>();
    return {};
  }
  if (key == "mean" || key == "std") {
    TRY(list, numbers(key, value));
    (key == "mean" ? p.mean : p.std) = list;
    return {};
  }
  if (key == "schema") return {};
  TRY(word, text(key, value));
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

// JSON allows a key twice and libraries disagree on which counts, so none is taken.
Result<Json> parse_json(std::string_view json) {
  std::vector<std::set<std::string>> open;
  std::string repeated;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second)
      repeated = parsed.get<std::string>();
    return true;
  };
  try {
    Json parsed = Json::parse(json, watch);
    if (!repeated.empty()) return invalid("key '{}' is there twice", printable(repeated, 40));
    return parsed;
  } catch (const std::exception& e) {
    return invalid("not JSON: {}", printable(e.what(), 200));
  }
}

Result<Preprocess> parse(std::string_view json) {
  if (json.size() > kMaxBytes) {
    return invalid("{} bytes, at most {} are read", json.size(), kMaxBytes);
  }
  TRY(root, parse_json(json));
  TRY_OK(check_keys("record", root,
                    {"schema", "resize", "interpolation", "crop", "channels", "scale", "mean",
                     "std", "layout", "dtype"},
                    1));
  TRY(schema, text("schema", root["schema"]));
  if (schema != kSchema) {
    return fail(Kind::kUnsupported, "schema: '{}', want '{}'", printable(schema, 40), kSchema);
  }
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
  TRY(json, read_file(path, kMaxBytes));
  auto parsed = parse_preprocess(json);
  if (!parsed) {
    return with_context(parsed.error(), fmt::format("'{}'", printable(path.string(), 400)));
  }
  return parsed;
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
