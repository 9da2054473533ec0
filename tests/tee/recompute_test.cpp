#include "tee/recompute.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result.h"

namespace cloister::serving {
namespace {

using cloister::test::value_of;

// Gives its input back.
class Same final : public Program {
 public:
  const std::vector<TensorSpec>& inputs() const override { return specs_; }
  const std::vector<TensorSpec>& outputs() const override { return specs_; }
  Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs) override {
    return std::vector{value_of(Tensor::copy_of(inputs[0].dtype, inputs[0].shape, inputs[0].data))};
  }

 private:
  std::vector<TensorSpec> specs_ = {{"t", DType::kF32, {-1, 3}}};
};

Tensor rows(const std::vector<float>& values) {
  return value_of(Tensor::copy_of(DType::kF32, {static_cast<int64_t>(values.size() / 3), 3},
                                  std::as_bytes(std::span(values))));
}

// Whether a worker's answer passes, when every batch is looked at.
bool passes(const std::vector<float>& right, const std::vector<float>& theirs) {
  const std::vector<TensorSpec> specs = {{"t", DType::kF32, {-1, 3}}};
  const auto transform =
      sampled_recompute(std::make_unique<Same>(), {specs, specs}, {.rate = 1, .has_batches = true});
  const auto verified = value_of(transform->verify({rows(right)}, {rows(theirs)}));
  EXPECT_TRUE(verified.checked);
  EXPECT_TRUE(std::ranges::equal(verified.outputs[0].as<float>(), right));
  return verified.matches;
}

TEST(SampledRecompute, TakesWhatRoundingExplains) {
  EXPECT_TRUE(passes({1, 2, 3}, {1, 2, 3}));
  EXPECT_TRUE(passes({1, 2, 3}, {1, 2.0002F, 3}));
  EXPECT_FALSE(passes({1, 2, 3}, {1, 2.1F, 3}));
  EXPECT_TRUE(passes({0, 0, 0}, {0, 1e-10F, 0}));
  EXPECT_FALSE(passes({0, 0, 0}, {0, 1e-3F, 0}));
}

TEST(SampledRecompute, OneClientsNumbersDoNotExcuseAnothers) {
  // 900 is under a thousandth of the batch's largest value, and 450 times the second row's own.
  EXPECT_FALSE(passes({1e6F, 0, 0, 1, 2, 3}, {1e6F, 0, 0, 1, 900, 3}));
  EXPECT_TRUE(passes({1e6F, 0, 0, 1, 2, 3}, {1e6F, 900, 0, 1, 2, 3}));
}

}  // namespace
}  // namespace cloister::serving
