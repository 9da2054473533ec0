// Every kind of input is one that attackers can work with.
#include "audit/attack/input_kinds.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

using namespace test;

Maps maps_of(const std::vector<Shape>& shapes, int64_t n) {
  Maps maps;
  for (Shape shape : shapes) {
    shape.insert(shape.begin(), n);
    maps.push_back(at::randn(shape));
  }
  return maps;
}

// Every kind of map that a cut may carry, to pictures of even and odd sizes.
TEST(PictureNetworks, TakeMapsOfAnyShape) {
  const std::vector<std::vector<Shape>> cases = {{{8, 32, 32}},  // as large as the picture
                                                 {{8, 16, 16}},
                                                 {{8, 3, 5}, {4, 9, 9}},  // two, of odd sizes
                                                 {{64, 1, 1}},            // pooled
                                                 {{64}},                  // a vector
                                                 {{17, 24}},              // tokens
                                                 {{300, 100}},            // many of them
                                                 {{}},                    // one number
                                                 {{8, 16, 16}, {8, 16, 16}, {32}}};
  for (const Shape& item : {Shape{3, 32, 32}, {1, 28, 28}, {3, 33, 47}}) {
    for (const auto& shapes : cases) {
      const NetworkSize size{.width = 16, .blocks = 1};
      const auto generator = make_picture_generator(item, shapes, size);
      const auto judge = make_picture_discriminator(item, shapes, size);
      const Maps maps = maps_of(shapes, 2);
      const at::Tensor rebuilt = generator->forward(maps);
      Shape want = item;
      want.insert(want.begin(), 2);
      ASSERT_EQ(rebuilt.sizes().vec(), want);
      const at::Tensor logits = judge->forward(rebuilt, maps);
      EXPECT_EQ(logits.size(0), 2);
      (logits.mean() + rebuilt.mean()).backward();
      for (const auto& weight : generator->named_parameters()) {
        EXPECT_TRUE(weight.value().grad().defined()) << weight.key();
      }
    }
  }
}

TEST(RowNetworks, TakeMapsToRows) {
  const std::vector<Shape> shapes = {{16}, {4, 6}};
  const InputSpace space = row_space();
  const auto generator = make_row_generator(space.item, shapes, {.width = 16, .blocks = 1});
  const Maps maps = maps_of(shapes, 5);
  const at::Tensor rows = kRowOperations.from_raw(space, generator->forward(maps));
  EXPECT_EQ(rows.sizes().vec(), (Shape{5, 5}));
  EXPECT_TRUE(at::allclose(rows.slice(1, 2).sum(1), at::ones({5})));
  EXPECT_EQ(make_row_discriminator(space.item, shapes, {})->forward(rows, maps).sizes().vec(),
            (Shape{5, 1}));
}

TEST(PictureOperations, LossIsZeroForEqualPictures) {
  const at::Tensor a = at::rand({2, 3, 16, 16});
  EXPECT_NEAR(kPictureOperations.loss(picture_space(), a, a).item<double>(), 0, 1e-5);
}

TEST(PictureOperations, RoughnessIsTheMeanStepBetweenNeighbours) {
  EXPECT_EQ(kPictureOperations.roughness(at::full({1, 3, 4, 4}, 0.3), {}).item<double>(), 0);
  const at::Tensor ramp = at::arange(4, at::kFloat).view({1, 1, 1, 4}).expand({2, 3, 4, 4});
  EXPECT_TRUE(at::allclose(kPictureOperations.roughness(ramp, {}), at::ones({2})));
}

TEST(RowOperations, LossCountsEveryColumnOnce) {
  const InputSpace space = row_space();
  const at::Tensor real = at::tensor({0.5F, 0.F, 0.F, 1.F, 0.F}).view({1, 5});
  EXPECT_NEAR(kRowOperations.loss(space, real, real).item<double>(), 0, 1e-4);
  const at::Tensor other = at::tensor({1.5F, 0.F, 0.F, 0.5F, 0.5F}).view({1, 5});
  EXPECT_NEAR(kRowOperations.loss(space, other, real).item<double>(), (0.5 + std::log(2.0)) / 2,
              1e-4);
  const at::Tensor raw =
      kRowOperations.from_raw(space, at::tensor({2.F, 0.F, 1.F, 1.F, 1.F}).view({1, 5}));
  EXPECT_TRUE(at::allclose(raw, at::tensor({2.F, 0.5F, 1 / 3.F, 1 / 3.F, 1 / 3.F}).view({1, 5})));
}

TEST(RowOperations, TheTypicalRowHasMediansAndModes) {
  const at::Tensor rows = at::tensor({1.F, 0.F, 0.F, 1.F, 0.F,  //
                                      9.F, 0.F, 0.F, 1.F, 0.F,  //
                                      2.F, 1.F, 1.F, 0.F, 0.F})
                              .view({3, 5});
  EXPECT_TRUE(at::equal(kRowOperations.typical(row_space(), rows),
                        at::tensor({2.F, 0.F, 0.F, 1.F, 0.F}).view({1, 5})));
}

// A kind that is added needs a sample here.
InputSpace sample_space(InputKind kind) {
  switch (kind) {
    case InputKind::kPictures:
      return picture_space();
    case InputKind::kRows:
      return row_space();
  }
  return {};
}

class EveryInputKind : public ::testing::TestWithParam<InputKindInfo> {
 protected:
  static constexpr int64_t kCount = 6;

  // Inputs [n, ...], which are likely.
  at::Tensor inputs() const {
    Shape shape = space_.item;
    shape.insert(shape.begin(), kCount);
    return operations_.from_raw(space_, at::randn(shape));
  }

  const InputSpace space_ = sample_space(GetParam().kind);
  const InputOperations& operations_ = operations_of(space_);
};

TEST_P(EveryInputKind, HasOperationsThatFitTogether) {
  torch::manual_seed(1);
  ASSERT_EQ(space_.kind, GetParam().kind);
  EXPECT_EQ(operations_.kind, GetParam().kind);
  const at::Tensor real = inputs();
  at::Tensor clamped = real.clone();
  operations_.clamp(clamped);
  EXPECT_TRUE(at::equal(clamped, real)) << "from_raw() gives what no input has";
  EXPECT_EQ(operations_.from_stored(operations_.from_stored(real)).scalar_type(), at::kFloat);
  EXPECT_EQ(operations_.to_model_input(space_, real).size(0), kCount);

  const at::Tensor typical = operations_.typical(space_, real);
  EXPECT_EQ(typical.sizes().slice(1), real.sizes().slice(1));
  EXPECT_EQ(typical.size(0), 1);
  const auto constants = operations_.constants(space_, real);
  ASSERT_FALSE(constants.empty());
  for (const at::Tensor& one : constants) EXPECT_EQ(one.sizes(), typical.sizes());
}

TEST_P(EveryInputKind, IsRebuiltByDescendingItsLoss) {
  torch::manual_seed(2);
  const std::vector<Shape> shapes = {{12}};
  const NetworkSize size{.width = 8, .blocks = 1};
  const auto generator = operations_.make_generator(space_.item, shapes, size);
  const auto judge = operations_.make_discriminator(space_.item, shapes, size);
  const Maps maps = {at::randn({kCount, 12})};
  const at::Tensor real = inputs();
  const at::Tensor rebuilt = operations_.from_raw(space_, generator->forward(maps));
  ASSERT_EQ(rebuilt.sizes(), real.sizes());
  EXPECT_EQ(judge->forward(rebuilt, maps).size(0), kCount);
  EXPECT_LT(operations_.loss(space_, real, real).item<double>(),
            operations_.loss(space_, rebuilt, real).item<double>());
  operations_.loss(space_, rebuilt, real).backward();
  for (const auto& weight : generator->named_parameters()) {
    EXPECT_TRUE(weight.value().grad().defined()) << weight.key();
  }

  // What a search without networks descends.
  at::Tensor start = real.clone().set_requires_grad(true);
  const at::Tensor rough = operations_.roughness(start, real.mean(0, true));
  ASSERT_EQ(rough.sizes().vec(), (Shape{kCount}));
  rough.sum().backward();
  EXPECT_TRUE(at::isfinite(start.grad()).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(All, EveryInputKind, ::testing::ValuesIn(kInputKinds),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace cloister::audit
