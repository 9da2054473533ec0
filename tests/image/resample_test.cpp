#include "image/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/npz.h"
#include "tests/support/data.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::map<std::string, Tensor> expected() {
  std::map<std::string, Tensor> all;
  auto arrays = read_npz(test::data_path("image/expected.npz"));
  EXPECT_TRUE(arrays) << arrays.error().message;
  for (NamedTensor& array : *arrays) all[array.name] = array.tensor;
  return all;
}

constexpr std::pair<std::string_view, Interpolation> kAll[] = {
    {"nearest", Interpolation::kNearest},
    {"bilinear", Interpolation::kBilinear},
    {"bicubic", Interpolation::kBicubic},
    {"area", Interpolation::kArea},
    {"lanczos", Interpolation::kLanczos}};

TEST(Resample, IsPillowsBitForBit) {
  const auto all = expected();
  const Tensor& color = all.at("color");
  for (const auto& [name, interpolation] : kAll) {
    for (const auto& [width, height] :
         std::vector<std::pair<int64_t, int64_t>>{{11, 7}, {60, 41}, {37, 9}, {50, 23}, {1, 1}}) {
      const std::string key = fmt::format("{}-{}x{}", name, width, height);
      const auto resized = resize_pixels(color.view(), width, height, interpolation);
      ASSERT_TRUE(resized) << key << ": " << resized.error().message;
      EXPECT_EQ(resized->shape(), all.at(key).shape()) << key;
      EXPECT_EQ(as_text(resized->data()), as_text(all.at(key).data())) << key;
    }
  }
}

TEST(Resample, TheSameSizeChangesNothing) {
  const Tensor color = expected().at("color");
  for (const auto& [name, interpolation] : kAll) {
    const auto same = resize_pixels(color.view(), 37, 23, interpolation);
    ASSERT_TRUE(same) << name;
    EXPECT_EQ(as_text(same->data()), as_text(color.data())) << name;
  }
}

TEST(Resample, ShrinkingAveragesEveryPixel) {
  const Tensor row = *Tensor::copy_of(DType::kU8, {1, 4, 1}, as_bytes("\x0a\x14\x1e\x28"));
  const auto half = resize_pixels(row.view(), 2, 1, Interpolation::kArea);
  EXPECT_THAT(half->as<uint8_t>(), ElementsAre(15, 35));
  // Weights of the triangle of width 2 around 1.0: 1.5, 1.5, 0.5 (of 3.5), cut at the border.
  const auto bilinear = resize_pixels(row.view(), 2, 1, Interpolation::kBilinear);
  EXPECT_THAT(bilinear->as<uint8_t>(), ElementsAre(17, 33));
}

TEST(Resample, RefusesOtherTensors) {
  const auto message = [](DType dtype, Shape shape) {
    return resize_pixels(Tensor::make(dtype, std::move(shape))->view(), 2, 2,
                         Interpolation::kBilinear)
        .error()
        .message;
  };
  EXPECT_THAT(message(DType::kF32, {2, 2, 3}), HasSubstr("f32 [2,2,3], want u8"));
  EXPECT_THAT(message(DType::kU8, {2, 2}), HasSubstr("u8 [2,2], want u8"));
  EXPECT_THAT(message(DType::kU8, {0, 2, 3}), HasSubstr("u8 [0,2,3], want u8"));
  EXPECT_FALSE(
      resize_pixels(Tensor::make(DType::kU8, {2, 2, 3})->view(), 0, 2, Interpolation::kBilinear));
}

}  // namespace
}  // namespace cloister
