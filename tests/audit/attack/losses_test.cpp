#include "audit/attack/losses.h"

#include <gtest/gtest.h>

#include "audit/attack/picture_loss.h"
#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

using namespace test;

// What the fused loss stands for, by autograd.
at::Tensor plain_loss(const at::Tensor& a, const at::Tensor& b) {
  const auto mean = [](const at::Tensor& x) { return at::avg_pool2d(x, 8, 4); };
  const at::Tensor ma = mean(a), mb = mean(b);
  const at::Tensor va = mean(a * a) - ma * ma, vb = mean(b * b) - mb * mb;
  const at::Tensor cov = mean(a * b) - ma * mb;
  const at::Tensor ssim =
      (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4));
  return at::l1_loss(a, b) + 1 - ssim.mean();
}

TEST(PictureLoss, IsWhatAutogradGives) {
  torch::manual_seed(3);
  for (const Shape& shape : {Shape{4, 3, 16, 16}, {2, 1, 22, 37}, {1, 3, 8, 8}}) {
    const at::Tensor b = at::rand(shape);
    at::Tensor one = at::rand(shape).requires_grad_(true);
    at::Tensor two = one.detach().clone().requires_grad_(true);
    const at::Tensor fused = fused_picture_loss(one, b), plain = plain_loss(two, b);
    EXPECT_NEAR(fused.item<double>(), plain.item<double>(), 1e-5);
    (3 * fused).backward();
    (3 * plain).backward();
    EXPECT_TRUE(at::allclose(one.grad(), two.grad(), 1e-3, 1e-6)) << shape_text(shape);
  }
}

TEST(PictureLoss, IsZeroForEqualPictures) {
  const at::Tensor a = at::rand({2, 3, 16, 16});
  EXPECT_NEAR(reconstruction_loss(picture_space(), a, a).item<double>(), 0, 1e-5);
}

TEST(RowLoss, CountsEveryColumnOnce) {
  // A number with an indicator, and three categories.
  const InputSpace space{{5},
                         {},
                         {{.name = "n", .first = 0, .width = 2, .indicator = true},
                          {.name = "c", .categorical = true, .first = 2, .width = 3}}};
  const at::Tensor real = at::tensor({0.5F, 0.F, 0.F, 1.F, 0.F}).view({1, 5});
  EXPECT_NEAR(reconstruction_loss(space, real, real).item<double>(), 0, 1e-4);
  const at::Tensor other = at::tensor({1.5F, 0.F, 0.F, 0.5F, 0.5F}).view({1, 5});
  EXPECT_NEAR(reconstruction_loss(space, other, real).item<double>(), (0.5 + std::log(2.0)) / 2,
              1e-4);
  const at::Tensor raw = from_raw(space, at::tensor({2.F, 0.F, 1.F, 1.F, 1.F}).view({1, 5}));
  EXPECT_TRUE(at::allclose(raw, at::tensor({2.F, 0.5F, 1 / 3.F, 1 / 3.F, 1 / 3.F}).view({1, 5})));
}

TEST(TotalVariation, IsTheMeanStepBetweenNeighbours) {
  EXPECT_EQ(total_variation(at::full({1, 3, 4, 4}, 0.3)).item<double>(), 0);
  const at::Tensor ramp = at::arange(4, at::kFloat).view({1, 1, 1, 4}).expand({2, 3, 4, 4});
  EXPECT_TRUE(at::allclose(total_variation(ramp), at::ones({2})));
}

}  // namespace
}  // namespace cloister::audit
