#include "engine/engine.h"

#include <gmock/gmock.h>

#include "tests/engine/small_models.h"

namespace cloister {
namespace {

using test::floats;
using ::testing::HasSubstr;

const std::vector<TensorSpec> kPorts = {{"image", DType::kF32, {-1, 2}}, {"ids", DType::kI64, {3}}};

TensorView view(DType dtype, Shape shape, size_t bytes) {
  static const std::vector<std::byte> kZeros(1024);
  return {dtype, std::move(shape), Bytes(kZeros).first(bytes)};
}

TEST(CheckInputs, TakesWhatFits) {
  EXPECT_TRUE(check_inputs(kPorts, {view(DType::kF32, {5, 2}, 40), view(DType::kI64, {3}, 24)}));
  EXPECT_TRUE(check_inputs(kPorts, {view(DType::kF32, {0, 2}, 0), view(DType::kI64, {3}, 24)}));
}

TEST(CheckInputs, NamesBothNumbersTypesAndShapes) {
  const TensorView ids = view(DType::kI64, {3}, 24);
  const auto message = [&](std::vector<TensorView> inputs) {
    const auto checked = check_inputs(kPorts, inputs);
    EXPECT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, Kind::kInvalid);
    return checked.error().message;
  };
  EXPECT_EQ(message({ids}), "got 1 inputs, want 2: 'image', 'ids'");
  EXPECT_EQ(message({view(DType::kF32, {5, 3}, 60), ids}),
            "input 'image': got f32[5,3], want f32[?,2]");
  EXPECT_EQ(message({view(DType::kF32, {2}, 8), ids}), "input 'image': got f32[2], want f32[?,2]");
  EXPECT_EQ(message({view(DType::kF16, {5, 2}, 20), ids}),
            "input 'image': got f16[5,2], want f32[?,2]");
  EXPECT_EQ(message({view(DType::kF32, {5, 2}, 36), ids}), "input 'image': got 36 bytes, want 40");
  EXPECT_THAT(message({view(DType::kF32, {-1, 2}, 8), ids}), HasSubstr("negative"));
  EXPECT_THAT(message({view(DType::kF32, {INT64_MAX, 2}, 8), ids}), HasSubstr("too large"));
}

TEST(OrderInputs, PutsNamesInPortOrder) {
  const Tensor image = floats({1, 2}, {1, 2});
  const Tensor ids = *Tensor::make(DType::kI64, {3});
  const auto ordered = order_inputs(kPorts, {{"ids", ids}, {"image", image}});
  ASSERT_TRUE(ordered);
  ASSERT_EQ(ordered->size(), 2u);
  EXPECT_EQ((*ordered)[0].data.data(), image.data().data());
  EXPECT_EQ((*ordered)[1].data.data(), ids.data().data());
}

TEST(OrderInputs, NamesWhatIsMissingUnknownOrRepeated) {
  const Tensor image = floats({1, 2}, {1, 2});
  const auto message = [&](const std::vector<NamedTensor>& named) {
    const auto ordered = order_inputs(kPorts, named);
    EXPECT_FALSE(ordered);
    EXPECT_EQ(ordered.error().kind, Kind::kInvalid);
    return ordered.error().message;
  };
  EXPECT_EQ(message({{"image", image}}), "input 'ids' (i64[3]) is missing");
  EXPECT_EQ(message({{"imgae", image}}), "no input 'imgae'; the model has 'image', 'ids'");
  EXPECT_EQ(message({{"image", image}, {"image", image}}), "input 'image' is given twice");
}

}  // namespace
}  // namespace cloister
