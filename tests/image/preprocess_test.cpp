#include "image/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

// 2x1 pixels: (0,51,255) and (255,102,0).
Tensor two_pixels() {
  return *Tensor::copy_of(DType::kU8, {1, 2, 3}, as_bytes({"\x00\x33\xff\xff\x66\x00", 6}));
}

TEST(Preprocess, Presets) {
  for (const std::string_view name : preprocess_presets()) {
    const auto p = preprocess_preset(name);
    ASSERT_TRUE(p) << name;
    EXPECT_TRUE(validate(*p)) << name;
  }
  const Preprocess imagenet = *preprocess_preset("imagenet");
  EXPECT_EQ(imagenet.resize_size, 256);
  EXPECT_THAT(imagenet.mean, ElementsAre(0.485, 0.456, 0.406));
  EXPECT_THAT(imagenet.std, ElementsAre(0.229, 0.224, 0.225));
  EXPECT_EQ(*output_shape(imagenet), Shape({1, 3, 224, 224}));
  EXPECT_EQ(*output_shape(*preprocess_preset("tiny-imagenet")), Shape({1, 3, 64, 64}));
  EXPECT_THAT(preprocess_preset("half")->std, ElementsAre(0.5));
  EXPECT_EQ(*preprocess_preset("raw"), Preprocess());
  const auto unknown = preprocess_preset("imagenet-21k");
  EXPECT_EQ(unknown.error().kind, Kind::kUsage);
  EXPECT_THAT(unknown.error().message, HasSubstr("want imagenet, tiny-imagenet, half, raw"));
}

TEST(Preprocess, PixelsByHand) {
  Preprocess p;
  EXPECT_THAT(apply_pixels(p, two_pixels().view())->as<float>(),
              ElementsAre(0, 1, 0.2F, 0.4F, 1, 0));
  p.mean = {0.5, 0.1, 0};
  p.std = {0.5, 0.1, 2};
  const auto planes = apply_pixels(p, two_pixels().view());
  EXPECT_EQ(planes->shape(), Shape({1, 3, 1, 2}));
  EXPECT_THAT(planes->as<float>(), ElementsAre(-1, 1, FloatEq(1), FloatEq(3), FloatEq(0.5F), 0));
  p.layout = Layout::kNhwc;
  const auto pixels = apply_pixels(p, two_pixels().view());
  EXPECT_EQ(pixels->shape(), Shape({1, 1, 2, 3}));
  EXPECT_THAT(pixels->as<float>(), ElementsAre(-1, FloatEq(1), FloatEq(0.5F), 1, FloatEq(3), 0));
}

// Mean and std follow the order of the channels that come out.
TEST(Preprocess, BgrReversesPixelsNotMeans) {
  Preprocess p;
  p.channels = Channels::kBgr;
  p.scale = 1;
  p.mean = {1, 0, 0};
  EXPECT_THAT(apply_pixels(p, two_pixels().view())->as<float>(),
              ElementsAre(254, -1, 51, 102, 0, 255));
}

TEST(Preprocess, GrayIsLuma) {
  Preprocess p;
  p.channels = Channels::kGray;
  p.scale = 1;
  p.dtype = DType::kU8;
  // 0.587 * 51 + 0.114 * 255 = 59.0 and 0.299 * 255 + 0.587 * 102 = 136.1
  const auto gray = apply_pixels(p, two_pixels().view());
  EXPECT_EQ(gray->shape(), Shape({1, 1, 1, 2}));
  EXPECT_THAT(gray->as<uint8_t>(), ElementsAre(59, 136));
}

TEST(Preprocess, U8IsPixelsAsTheyAre) {
  Preprocess p;
  p.scale = 1;
  p.dtype = DType::kU8;
  p.layout = Layout::kNhwc;
  EXPECT_EQ(as_text(apply_pixels(p, two_pixels().view())->data()), as_text(two_pixels().data()));
}

TEST(Preprocess, PixelsOfAnotherShapeAreRefused) {
  const Preprocess p;
  for (const Shape& shape : {Shape{2, 2}, Shape{2, 2, 1}, Shape{2, 2, 4}, Shape{0, 2, 3}}) {
    EXPECT_THAT(apply_pixels(p, Tensor::make(DType::kU8, shape)->view()).error().message,
                HasSubstr(shape_text(shape) + ", want u8 [height,width,3]"));
  }
  EXPECT_FALSE(apply_pixels(p, Tensor::make(DType::kF32, {2, 2, 3})->view()));
}

TEST(Preprocess, GeometryRoundsAsTorchvision) {
  Preprocess p = *preprocess_preset("imagenet");
  // Resize(256) of 500x375: int(256 * 500 / 375) = 341; CenterCrop: round(58.5) = 58, to even.
  const Geometry wide = *geometry(p, 500, 375);
  EXPECT_THAT(std::vector({wide.width, wide.height, wide.left, wide.top}),
              ElementsAre(341, 256, 58, 16));
  const Geometry tall = *geometry(p, 375, 500);
  EXPECT_THAT(std::vector({tall.width, tall.height, tall.left, tall.top}),
              ElementsAre(256, 341, 16, 58));
  p.crop_width = p.crop_height = 0;
  const Geometry whole = *geometry(p, 100, 100);
  EXPECT_THAT(std::vector({whole.crop_width, whole.crop_height, whole.left}),
              ElementsAre(256, 256, 0));
}

TEST(Preprocess, GeometryRefusesWhatCannotBe) {
  Preprocess p;
  p.crop_width = p.crop_height = 10;
  EXPECT_THAT(geometry(p, 9, 20).error().message,
              HasSubstr("crop of 10x10 from a picture of 9x20"));
  p = *preprocess_preset("imagenet");
  EXPECT_THAT(geometry(p, 1, 30000).error().message, HasSubstr("want 1 to 100000000 pixels"))
      << "a sliver must not become huge";
  EXPECT_FALSE(geometry(p, 0, 0));
}

TEST(Preprocess, OutputShapeNeedsAFixedSize) {
  Preprocess p;
  EXPECT_THAT(output_shape(p).error().message, HasSubstr("depends on the picture"));
  p.resize = ResizeMode::kExact;
  p.resize_width = 20;
  p.resize_height = 10;
  p.channels = Channels::kGray;
  EXPECT_EQ(*output_shape(p), Shape({1, 1, 10, 20}));
  p.layout = Layout::kNhwc;
  EXPECT_EQ(*output_shape(p), Shape({1, 10, 20, 1}));
}

TEST(Preprocess, ValidateNamesTheKey) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const auto message = [](auto change) {
    Preprocess p;
    change(p);
    const auto result = validate(p);
    return result ? std::string("valid") : result.error().message;
  };
  EXPECT_EQ(message([](Preprocess& p) { p.mean = {0, 0}; }), "mean: 2 numbers, want 1 or 3");
  EXPECT_EQ(message([](Preprocess& p) { p.std = {}; }), "std: 0 numbers, want 1 or 3");
  EXPECT_EQ(message([](Preprocess& p) { p.std = {1, 0, 1}; }), "std: 0, want 1e-09 to 1e+09");
  EXPECT_EQ(message([](Preprocess& p) { p.std = {-1}; }), "std: -1, want 1e-09 to 1e+09");
  EXPECT_EQ(message([&](Preprocess& p) { p.mean = {nan}; }), "mean: nan, want -1e+09 to 1e+09");
  EXPECT_EQ(message([&](Preprocess& p) { p.scale = inf; }), "scale: inf, want 1e-09 to 1e+09");
  EXPECT_EQ(message([](Preprocess& p) { p.dtype = DType::kF16; }), "dtype: f16, want f32 or u8");
  EXPECT_THAT(message([](Preprocess& p) { p.dtype = DType::kU8; }), HasSubstr("want scale 1"));
  EXPECT_EQ(message([](Preprocess& p) { p.crop_width = 3; }), "crop.height: 0, want 1 to 16384");
  EXPECT_EQ(message([](Preprocess& p) { p.resize = ResizeMode::kShorterSide; }),
            "resize.size: 0, want 1 to 16384");
  EXPECT_THAT(message([](Preprocess& p) {
                p.resize = ResizeMode::kExact;
                p.resize_width = p.resize_height = 10;
                p.crop_width = p.crop_height = 11;
              }),
              HasSubstr("crop: 11x11, want at most the 10x10"));
  EXPECT_THAT(message([](Preprocess& p) {
                p.channels = Channels::kGray;
                p.mean = {0, 0, 0};
              }),
              HasSubstr("mean: 3 numbers, want 1"));
}

}  // namespace
}  // namespace cloister
