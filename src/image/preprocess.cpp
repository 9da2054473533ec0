#include "image/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace cloister {
namespace {

// Factors beyond this are mistakes, and would overflow f32 together.
constexpr double kLargest = 1e9;
constexpr double kSmallest = 1e-9;

constexpr std::string_view kPresets[] = {"imagenet", "tiny-imagenet", "half", "raw"};

size_t channel_count(const Preprocess& p) {
  return p.channels == Channels::kGray ? 1 : 3;
}

bool crops(const Preprocess& p) {
  return p.crop_width != 0 || p.crop_height != 0;
}

Result<> check_side(std::string_view key, int64_t value) {
  if (value < 1 || value > kMaxSide) return invalid("{}: {}, want 1 to {}", key, value, kMaxSide);
  return {};
}

Result<> check_numbers(std::string_view key, const std::vector<double>& numbers, size_t channels,
                       double least) {
  if (numbers.size() != 1 && numbers.size() != channels) {
    return invalid("{}: {} numbers, want {}", key, numbers.size(),
                   channels == 1 ? "1" : fmt::format("1 or {}", channels));
  }
  for (const double number : numbers) {
    // Negated, so that NaN is refused too.
    if (!(number >= least && number <= kLargest)) {
      return invalid("{}: {}, want {:g} to {:g}", key, number, least, kLargest);
    }
  }
  return {};
}

double of_channel(const std::vector<double>& numbers, size_t channel) {
  return numbers.size() == 1 ? numbers[0] : numbers[channel];
}

// The value of each pixel level, for one channel; computed in f64, so that the result is the f32
// closest to the formula.
std::array<float, 256> level_table(const Preprocess& p, size_t channel) {
  std::array<float, 256> table{};
  for (size_t level = 0; level < table.size(); ++level) {
    table[level] =
        static_cast<float>((static_cast<double>(level) * p.scale - of_channel(p.mean, channel)) /
                           of_channel(p.std, channel));
  }
  return table;
}

// ITU-R 601 luma in 16-bit fixed point: Pillow's conversion to "L".
uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

uint8_t pick(const uint8_t* rgb, Channels channels, size_t channel) {
  switch (channels) {
    case Channels::kGray:
      return luma(rgb);
    case Channels::kBgr:
      return rgb[2 - channel];
    default:
      return rgb[channel];
  }
}

Shape shape_of(const Preprocess& p, int64_t width, int64_t height) {
  const auto channels = static_cast<int64_t>(channel_count(p));
  return p.layout == Layout::kNchw ? Shape{1, channels, height, width}
                                   : Shape{1, height, width, channels};
}

Result<> check_pixels(const TensorView& pixels) {
  const Shape& shape = pixels.shape;
  if (pixels.dtype == DType::kU8 && shape.size() == 3 && shape[2] == 3 && !pixels.data.empty()) {
    return {};
  }
  return invalid("pixels are {} {}, want u8 [height,width,3]", dtype_name(pixels.dtype),
                 shape_text(shape));
}

// f(pixel, channel) for every element, in the order of the tensor.
template <typename T, typename F>
void fill(const Preprocess& p, std::span<const uint8_t> pixels, std::span<T> out, F f) {
  const size_t channels = channel_count(p);
  const size_t count = pixels.size() / 3;
  const bool planes = p.layout == Layout::kNchw;
  for (size_t channel = 0; channel < channels; ++channel) {
    for (size_t i = 0; i < count; ++i) {
      const size_t at = planes ? channel * count + i : i * channels + channel;
      out[at] = f(pick(&pixels[3 * i], p.channels, channel), channel);
    }
  }
}

}  // namespace

Result<> validate(const Preprocess& p) {
  if (p.resize == ResizeMode::kShorterSide) TRY_OK(check_side("resize.size", p.resize_size));
  if (p.resize == ResizeMode::kExact) {
    TRY_OK(check_side("resize.width", p.resize_width));
    TRY_OK(check_side("resize.height", p.resize_height));
  }
  if (crops(p)) {
    TRY_OK(check_side("crop.width", p.crop_width));
    TRY_OK(check_side("crop.height", p.crop_height));
    if (p.resize == ResizeMode::kExact &&
        (p.crop_width > p.resize_width || p.crop_height > p.resize_height)) {
      return invalid("crop: {}x{}, want at most the {}x{} of resize", p.crop_width, p.crop_height,
                     p.resize_width, p.resize_height);
    }
    if (p.resize == ResizeMode::kShorterSide &&
        std::min(p.crop_width, p.crop_height) > p.resize_size) {
      return invalid("crop: {}x{}, want a side of at most the {} of resize", p.crop_width,
                     p.crop_height, p.resize_size);
    }
  }
  const size_t channels = channel_count(p);
  TRY_OK(check_numbers("scale", {p.scale}, 1, kSmallest));
  TRY_OK(check_numbers("mean", p.mean, channels, -kLargest));
  TRY_OK(check_numbers("std", p.std, channels, kSmallest));
  if (p.dtype != DType::kF32 && p.dtype != DType::kU8) {
    return invalid("dtype: {}, want f32 or u8", dtype_name(p.dtype));
  }
  const auto all = [](const std::vector<double>& numbers, double want) {
    return std::ranges::all_of(numbers, [&](double number) { return number == want; });
  };
  if (p.dtype == DType::kU8 && !(p.scale == 1 && all(p.mean, 0) && all(p.std, 1))) {
    return invalid("dtype: u8 with scale, mean or std, want scale 1, mean 0 and std 1, or f32");
  }
  return {};
}

std::span<const std::string_view> preprocess_presets() {
  return kPresets;
}

Result<Preprocess> preprocess_preset(std::string_view name) {
  Preprocess p;
  if (name == "raw") return p;
  const bool tiny = name == "tiny-imagenet";
  if (!tiny && name != "imagenet" && name != "half") {
    return fail(Kind::kUsage, "no preset '{}', want {}", printable(name),
                fmt::join(kPresets, ", "));
  }
  p.resize = ResizeMode::kShorterSide;
  p.resize_size = tiny ? 64 : 256;
  p.crop_width = p.crop_height = tiny ? 64 : 224;
  if (name == "half") {
    p.mean = {0.5};
    p.std = {0.5};
  } else {
    p.mean = {0.485, 0.456, 0.406};
    p.std = {0.229, 0.224, 0.225};
  }
  return p;
}

Result<Geometry> geometry(const Preprocess& p, int64_t width, int64_t height) {
  Geometry g{width, height, 0, 0, 0, 0};
  if (p.resize == ResizeMode::kExact) {
    g.width = p.resize_width;
    g.height = p.resize_height;
  } else if (p.resize == ResizeMode::kShorterSide) {
    // Truncated, as torchvision does.
    const auto longer = [&](int64_t a, int64_t b) {
      return static_cast<int64_t>(static_cast<double>(p.resize_size) * static_cast<double>(a) /
                                  static_cast<double>(b));
    };
    g.width = width <= height ? p.resize_size : longer(width, height);
    g.height = width <= height ? longer(height, width) : p.resize_size;
  }
  // Between its two passes the resize holds a picture of g.width x height.
  if (g.width < 1 || g.height < 1 || std::max(g.height, height) > kMaxPixels / g.width) {
    return invalid("picture of {}x{} resized to {}x{}, want 1 to {} pixels", width, height, g.width,
                   g.height, kMaxPixels);
  }
  g.crop_width = crops(p) ? p.crop_width : g.width;
  g.crop_height = crops(p) ? p.crop_height : g.height;
  if (g.crop_width > g.width || g.crop_height > g.height) {
    return invalid("crop of {}x{} from a picture of {}x{}{}", g.crop_width, g.crop_height, g.width,
                   g.height, p.resize == ResizeMode::kAsIs ? "" : " after the resize");
  }
  // Halves to even, as Python's round().
  const auto centre = [](int64_t room) {
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(room) / 2));
  };
  g.left = centre(g.width - g.crop_width);
  g.top = centre(g.height - g.crop_height);
  return g;
}

Result<Shape> output_shape(const Preprocess& p) {
  if (crops(p)) return shape_of(p, p.crop_width, p.crop_height);
  if (p.resize == ResizeMode::kExact) return shape_of(p, p.resize_width, p.resize_height);
  return invalid("the output's size depends on the picture, want a crop or an exact resize");
}

Result<Tensor> apply_pixels(const Preprocess& p, const TensorView& pixels) {
  TRY_OK(validate(p));
  TRY_OK(check_pixels(pixels));
  TRY(out, Tensor::make(p.dtype, shape_of(p, pixels.shape[1], pixels.shape[0])));
  const auto levels = pixels.as<uint8_t>();
  if (p.dtype == DType::kU8) {
    fill(p, levels, out.mutable_as<uint8_t>(), [](uint8_t level, size_t) { return level; });
    return std::move(out);
  }
  std::vector<std::array<float, 256>> tables;
  for (size_t channel = 0; channel < channel_count(p); ++channel) {
    tables.push_back(level_table(p, channel));
  }
  fill(p, levels, out.mutable_as<float>(),
       [&](uint8_t level, size_t channel) { return tables[channel][level]; });
  return std::move(out);
}

Result<Tensor> apply_picture(const Preprocess& p, const TensorView& pixels) {
  TRY_OK(validate(p));
  TRY_OK(check_pixels(pixels));
  TRY(g, geometry(p, pixels.shape[1], pixels.shape[0]));
  TRY(resized, resize_pixels(pixels, g.width, g.height, p.interpolation));
  TRY(cropped, Tensor::make(DType::kU8, {g.crop_height, g.crop_width, 3}));
  const uint8_t* from = resized.as<uint8_t>().data() + (g.top * g.width + g.left) * 3;
  uint8_t* to = cropped.mutable_as<uint8_t>().data();
  for (int64_t y = 0; y < g.crop_height; ++y, from += g.width * 3) {
    to = std::copy_n(from, g.crop_width * 3, to);
  }
  return apply_pixels(p, cropped.view());
}

}  // namespace cloister
