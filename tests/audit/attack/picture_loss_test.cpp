#include "audit/attack/picture_loss.h"

#include <gtest/gtest.h>

#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

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

}  // namespace
}  // namespace cloister::audit
