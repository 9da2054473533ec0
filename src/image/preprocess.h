// How a picture becomes a model's input tensor. Record: docs/formats/preprocess.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "image/resample.h"
#include "tensor/tensor.h"

namespace cloister {

enum class ResizeMode { kAsIs, kShorterSide, kExact };
enum class Channels { kRgb, kBgr, kGray };
enum class Layout { kNchw, kNhwc };

// The steps, in the order in which they are applied. Plain data; validate() says whether it makes
// sense. The defaults are those of a field that the record leaves out.
struct Preprocess {
  ResizeMode resize = ResizeMode::kAsIs;
  int64_t resize_size = 0;    // pixels of the shorter side, with kShorterSide
  int64_t resize_width = 0;   // pixels, with kExact
  int64_t resize_height = 0;  // pixels, with kExact
  Interpolation interpolation = Interpolation::kBilinear;
  int64_t crop_width = 0;  // pixels, taken from the centre; both 0: no crop
  int64_t crop_height = 0;
  Channels channels = Channels::kRgb;
  // value = (pixel * scale - mean) / std, pixel in 0..255. One mean and std for each channel, in
  // the order of `channels`, or a single one for all.
  double scale = 1.0 / 255;
  std::vector<double> mean = {0};
  std::vector<double> std = {1};
  Layout layout = Layout::kNchw;
  DType dtype = DType::kF32;  // or kU8: pixels as they are, scale 1, mean 0, std 1

  bool operator==(const Preprocess&) const = default;
};

// Largest width or height in a record, in pixels.
inline constexpr int64_t kMaxSide = 16384;
// Largest picture, decoded or resized, in pixels.
inline constexpr int64_t kMaxPixels = 100'000'000;

// kInvalid for values out of range or against each other, naming the record's key, what was found
// and what is expected.
Result<> validate(const Preprocess& preprocess);

// "imagenet", "tiny-imagenet", "half", "raw". kUsage for another name, listing these.
Result<Preprocess> preprocess_preset(std::string_view name);
std::span<const std::string_view> preprocess_presets();

// The JSON record; parsing is strict and validates. kInvalid names the key, found and expected.
Result<Preprocess> parse_preprocess(std::string_view json);
Result<Preprocess> read_preprocess(const fs::path& path);
// The preset of that name, or else the record at that path.
Result<Preprocess> find_preprocess(const std::string& preset_or_path);
// Every field, in a fixed order, one a line; ends with a newline.
std::string preprocess_json(const Preprocess& preprocess);

// The record's words for channels, layout and interpolation, as the command line takes them too.
// kInvalid naming `key`, what was found and the words expected.
Result<Channels> parse_channels(std::string_view key, std::string_view word);
Result<Layout> parse_layout(std::string_view key, std::string_view word);
Result<Interpolation> parse_interpolation(std::string_view key, std::string_view word);
Result<DType> parse_pixel_dtype(std::string_view key, std::string_view word);

// Where resize and crop lead for a picture of width x height pixels.
struct Geometry {
  int64_t width, height;            // after the resize
  int64_t left, top;                // of the crop, in the resized picture
  int64_t crop_width, crop_height;  // of the result
};

// Rounds as torchvision's Resize and CenterCrop do. kInvalid when the crop is larger than the
// resized picture, or that is empty or above kMaxPixels.
Result<Geometry> geometry(const Preprocess& preprocess, int64_t width, int64_t height);

// Shape of one picture's tensor, [1,C,H,W] or [1,H,W,C]. kInvalid when it depends on the picture
// (no crop and no exact resize).
Result<Shape> output_shape(const Preprocess& preprocess);

// `pixels`, u8 [H,W,3] in RGB order and already resized and cropped, as a tensor [1,C,H,W] or
// [1,H,W,C]: channel order, scale, mean, std, layout, type. Gray is ITU-R 601 luma, rounded as
// Pillow does. kInvalid for another shape or type of `pixels`. Thread-safe.
Result<Tensor> apply_pixels(const Preprocess& preprocess, const TensorView& pixels);

// The same for pixels of any size, u8 [H,W,3] RGB: resize, crop, apply_pixels(). Thread-safe.
Result<Tensor> apply_picture(const Preprocess& preprocess, const TensorView& pixels);

}  // namespace cloister
