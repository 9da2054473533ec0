#include "audit/attack/baselines.h"

#include <gtest/gtest.h>

#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

using namespace test;

TEST(Baselines, PicturesOfAClassAreGuessedFromThatClass) {
  const InputSpace space = picture_space();
  // Class 0 is dark, class 1 bright; of class 2 nothing is known.
  const at::Tensor inputs =
      at::cat({at::full({6, 3, 16, 16}, 0.2), at::full({2, 3, 16, 16}, 0.8)}).to(at::kFloat);
  const Known known{.space = &space,
                    .inputs = inputs,
                    .labels = at::tensor({0, 0, 0, 0, 0, 0, 1, 1}, at::kLong),
                    .score = [](const at::Tensor& guess) -> Result<double> {
                      return -std::abs(guess.mean().item<double>() - 0.2);
                    },
                    .validation = 4};
  const Unseen unseen{3, at::tensor({1, 0, 2}, at::kLong), 4};
  const at::Tensor means = *guess_class_mean(known, unseen);
  EXPECT_TRUE(at::allclose(means.mean({1, 2, 3}), at::tensor({0.8F, 0.2F, 0.35F})));
  const at::Tensor same = guess_same_class(known, unseen)->mean({1, 2, 3});
  EXPECT_FLOAT_EQ(same[0].item<float>(), 0.8F);
  EXPECT_FLOAT_EQ(same[1].item<float>(), 0.2F);
  EXPECT_TRUE(at::equal(same, guess_same_class(known, unseen)->mean({1, 2, 3})));
  // The constant that scores best: here the one nearest to the median.
  const auto constant = guess_constant(known, unseen);
  ASSERT_TRUE(constant);
  EXPECT_EQ(constant->sizes().vec(), (Shape{3, 3, 16, 16}));
  EXPECT_NEAR(constant->mean().item<double>(), 0.2, 1e-6);
}

TEST(Baselines, EveryRowHasItsGuess) {
  for (const BaselineInfo& info : kBaselines) EXPECT_NE(guess_of(info), nullptr) << info.name;
  EXPECT_EQ(guess_of({.name = "other"}), nullptr);
}

}  // namespace
}  // namespace cloister::audit
