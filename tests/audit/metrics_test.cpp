// Metrics against scikit-image and numpy (tests/data/metrics/make.py), and their edges.
#include "audit/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/npz.h"
#include "tests/support/data.h"

namespace cloister::audit {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

std::map<std::string, Tensor> arrays(const std::string& name) {
  std::map<std::string, Tensor> out;
  const auto read = read_npz(test::data_path("metrics/" + name));
  for (const NamedTensor& array : *read) out[array.name] = array.tensor;
  return out;
}

std::vector<double> doubles(const Tensor& tensor) {
  return {tensor.as<double>().begin(), tensor.as<double>().end()};
}

Tensor filled(const Shape& shape, float value) {
  Tensor out = *Tensor::make(DType::kF32, shape);
  std::ranges::fill(out.mutable_as<float>(), value);
  return out;
}

Tensor pixels(const Tensor& bytes) {
  Tensor out = *Tensor::make(DType::kF32, bytes.shape());
  std::ranges::transform(bytes.as<uint8_t>(), out.mutable_as<float>().begin(),
                         [](uint8_t byte) { return static_cast<float>(byte) / 255.0F; });
  return out;
}

TEST(Metrics, AgreeWithScikitImage) {
  auto data = arrays("pictures.npz");
  const TensorView& a = data["a"].view();
  const TensorView& b = data["b"].view();
  EXPECT_THAT(*mse(a, b), Pointwise(testing::DoubleNear(1e-9), doubles(data["mse"])));
  EXPECT_THAT(*psnr_db(a, b), Pointwise(testing::DoubleNear(1e-6), doubles(data["psnr_db"])));
  EXPECT_THAT(*ssim(a, b), Pointwise(testing::DoubleNear(1e-9), doubles(data["ssim"])));
  EXPECT_LT((*ssim(a, b))[2], -0.3) << "the negative is not clamped";
}

TEST(Metrics, LargePicturesAgreeWithScikitImage) {
  auto data = arrays("large.npz");
  const Tensor large = pixels(data["large"]);
  const std::vector<double> want = doubles(data["ms_ssim"]);
  const std::vector<double> want_ssim = doubles(data["ssim"]);
  size_t i = 0;
  for (const std::string name : {"blurred", "darker"}) {
    const Tensor other = pixels(data[name]);
    EXPECT_THAT(*ms_ssim(large.view(), other.view()), ElementsAre(DoubleNear(want[i], 1e-9)));
    EXPECT_THAT(*ssim(large.view(), other.view()), ElementsAre(DoubleNear(want_ssim[i], 1e-9)));
    ++i;
  }
}

TEST(Metrics, APictureIsItself) {
  auto data = arrays("pictures.npz");
  const TensorView& a = data["a"].view();
  EXPECT_THAT(*mse(a, a), testing::Each(0.0));
  EXPECT_THAT(*psnr_db(a, a), testing::Each(std::numeric_limits<double>::infinity()));
  EXPECT_THAT(*ssim(a, a), testing::Each(DoubleNear(1, 1e-12)));
  const Tensor gray = filled({3, 161, 170}, 0.5F);
  EXPECT_THAT(*ms_ssim(gray.view(), gray.view()), ElementsAre(DoubleNear(1, 1e-12)));
}

TEST(Metrics, RefuseWhatTheyCanNotScore) {
  const auto message = [](const auto& result) { return result.error().message; };
  const Tensor good = filled({1, 12, 12}, 0.5F);
  const Tensor small = filled({1, 10, 12}, 0.5F);
  const Tensor flat = filled({12, 12}, 0.5F);
  const Tensor none = filled({0, 1, 12, 12}, 0.5F);
  const Tensor bytes = *Tensor::make(DType::kU8, {1, 12, 12});
  EXPECT_THAT(message(ssim(small.view(), small.view())), HasSubstr("12x10 pixels, want at least"));
  EXPECT_THAT(message(ssim(good.view(), small.view())), HasSubstr("[1,12,12] and [1,10,12]"));
  EXPECT_THAT(message(mse(flat.view(), flat.view())), HasSubstr("want [C,H,W] or [N,C,H,W]"));
  EXPECT_THAT(message(mse(none.view(), none.view())), HasSubstr("at least 1"));
  EXPECT_THAT(message(mse(bytes.view(), bytes.view())), HasSubstr("want f32"));
  const Tensor medium = filled({1, 160, 400}, 0.5F);
  EXPECT_THAT(message(ms_ssim(medium.view(), medium.view())),
              HasSubstr("400x160 pixels, want more than 160"));
  for (const float wrong : {std::nanf(""), INFINITY, -0.01F, 1.01F}) {
    const Tensor bad = filled({1, 12, 12}, wrong);
    EXPECT_THAT(message(ssim(good.view(), bad.view())), HasSubstr("second picture: element 0 is"));
    EXPECT_FALSE(ssim(bad.view(), good.view()));
  }
  const Tensor slack = filled({1, 12, 12}, 1.0005F);
  EXPECT_TRUE(ssim(good.view(), slack.view()));
}

TEST(Reidentify, AgreesWithNumpy) {
  auto data = arrays("pictures.npz");
  const auto found = reidentify(data["noisy"].view(), data["a"].view());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->hits, Pointwise(testing::DoubleEq(), doubles(data["hits"])));
  EXPECT_GT(found->rate, found->chance);
}

TEST(Reidentify, ConstantAnswersFindOneAndTiesShare) {
  Tensor gallery = *Tensor::make(DType::kF32, {4, 2});
  std::ranges::copy(std::array{0.F, 0.F, 1.F, 1.F, 1.F, 1.F, 2.F, 2.F},
                    gallery.mutable_as<float>().begin());
  const Tensor constant = filled({4, 2}, 0.1F);
  EXPECT_THAT(reidentify(constant.view(), gallery.view())->hits, ElementsAre(1, 0, 0, 0));
  const Tensor ones = filled({4, 2}, 1.1F);
  const auto tied = reidentify(ones.view(), gallery.view());
  EXPECT_THAT(tied->hits, ElementsAre(0, 0.5, 0.5, 0));
  EXPECT_DOUBLE_EQ(tied->rate, 0.25);
  EXPECT_DOUBLE_EQ(tied->chance, 0.25);
  const std::array<size_t, 1> truth = {3};
  const Tensor two = filled({1, 2}, 2.F);
  EXPECT_THAT(reidentify(two.view(), gallery.view(), truth)->hits, ElementsAre(1));
}

TEST(Reidentify, RefusesGapsBetweenQueriesAndGallery) {
  const Tensor four = filled({4, 2}, 0.F);
  const Tensor other = filled({4, 3}, 0.F);
  const Tensor one = filled({1, 2}, 0.F);
  const std::array<size_t, 4> out_of_range = {0, 1, 2, 4};
  EXPECT_FALSE(reidentify(four.view(), other.view()));
  EXPECT_FALSE(reidentify(four.view(), one.view()));
  EXPECT_FALSE(reidentify(one.view(), one.view()));
  EXPECT_FALSE(reidentify(four.view(), four.view(), out_of_range));
  const Tensor bad = filled({4, 2}, std::nanf(""));
  EXPECT_THAT(reidentify(bad.view(), four.view()).error().message, HasSubstr("NaN"));
}

TEST(LabelAgreement, IsAShare) {
  const std::vector<int64_t> a = {1, 2, 3, 4};
  const std::vector<int64_t> b = {1, 0, 3, 0};
  EXPECT_DOUBLE_EQ(*label_agreement(a, b), 0.5);
  EXPECT_FALSE(label_agreement(a, std::span(b).first(3)));
  EXPECT_FALSE(label_agreement({}, {}));
}

}  // namespace
}  // namespace cloister::audit
