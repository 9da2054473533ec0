#include "tensor/spec.h"

#include <gmock/gmock.h>

namespace cloister {
namespace {

const TensorSpec kSpec{"x", DType::kF32, {-1, 3, -1}};

TEST(TensorSpec, FixedDimensionsCount) {
  EXPECT_TRUE(fits(kSpec, DType::kF32, {2, 3, 9}));
  EXPECT_FALSE(fits(kSpec, DType::kF64, {2, 3, 9}));
  EXPECT_FALSE(fits(kSpec, DType::kF32, {2, 4, 9}));
  EXPECT_FALSE(fits(kSpec, DType::kF32, {2, 3}));
  EXPECT_FALSE(fits(kSpec, DType::kF32, {2, 3, 9, 1}));
}

TEST(TensorSpec, TheBatchIsTheFirstOne) {
  EXPECT_TRUE(fits(kSpec, DType::kF32, {2, 3, 9}, {.items = 2}));
  EXPECT_FALSE(fits(kSpec, DType::kF32, {3, 3, 9}, {.items = 2}));
  const TensorSpec fixed{"x", DType::kF32, {4}};
  EXPECT_TRUE(fits(fixed, DType::kF32, {4}, {.items = 2})) << "it is not free";
}

TEST(TensorSpec, FreeDimensionsMayHaveBounds) {
  const TensorSpec spec{"x", DType::kF32, {-1, 3, -1}, {-1, -1, 9}};
  EXPECT_TRUE(fits(spec, DType::kF32, {1000, 3, 9}));
  EXPECT_FALSE(fits(spec, DType::kF32, {1, 3, 10}));
  EXPECT_EQ(spec_text(spec, 2), "f32[2,3,?<=9]");
  EXPECT_EQ(spec.bound(0), std::nullopt);
  EXPECT_EQ(spec.bound(3), std::nullopt);
}

TEST(TensorSpec, WithoutDimensions) {
  const TensorSpec none{"x", DType::kF32, {}};
  EXPECT_TRUE(fits(none, DType::kF32, {}));
  EXPECT_FALSE(fits(none, DType::kF32, {1}));
  EXPECT_TRUE(fits(none, DType::kF32, {1, 2}, {.may_be_unranked = true}));
  EXPECT_FALSE(fits(none, DType::kI64, {1, 2}, {.may_be_unranked = true}));
}

TEST(TensorSpec, Texts) {
  EXPECT_EQ(spec_text(kSpec), "f32[?,3,?]");
  EXPECT_EQ(spec_text(kSpec, 7), "f32[7,3,?]");
  EXPECT_EQ(spec_text({"x", DType::kI64, {}}), "i64[]");
  EXPECT_EQ(spec_names({kSpec, {"y\n", DType::kF32, {}}}), "'x', 'y\\x0a'");
  EXPECT_EQ(find_spec({kSpec}, "y"), nullptr);
}

}  // namespace
}  // namespace cloister
