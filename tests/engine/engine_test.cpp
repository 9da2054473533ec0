#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloister {
namespace {

using testing::HasSubstr;

const std::vector<Port> kPorts = {{"image", DType::kF32, {-1, 3}}, {"scale", DType::kF32, {}}};

Tensor tensor(DType dtype, const Shape& shape) {
  return *Tensor::make(dtype, shape);
}

std::string refusal(const std::vector<Tensor>& inputs) {
  std::vector<TensorView> views;
  for (const Tensor& input : inputs) views.push_back(input.view());
  const auto checked = check_inputs(kPorts, views);
  if (checked) return "";
  EXPECT_EQ(static_cast<int>(checked.error().kind), static_cast<int>(Kind::kInvalid));
  return checked.error().message;
}

TEST(CheckInputs, NameBothSides) {
  const Tensor scale = tensor(DType::kF32, {});
  EXPECT_EQ(refusal({tensor(DType::kF32, {7, 3}), scale}), "");
  EXPECT_EQ(refusal({tensor(DType::kF32, {0, 3}), scale}), "");
  // Without extents a port takes any: its rank may not be fixed.
  EXPECT_EQ(refusal({tensor(DType::kF32, {1, 3}), tensor(DType::kF32, {4, 4})}), "");
  EXPECT_EQ(refusal({scale}), "got 1 inputs, want 2: 'image', 'scale'");
  EXPECT_EQ(refusal({tensor(DType::kF32, {1, 4}), scale}),
            "input 'image': got f32[1,4], want f32[?,3]");
  EXPECT_EQ(refusal({tensor(DType::kF32, {3}), scale}), "input 'image': got f32[3], want f32[?,3]");
  EXPECT_EQ(refusal({tensor(DType::kF64, {1, 3}), scale}),
            "input 'image': got f64[1,3], want f32[?,3]");
  EXPECT_EQ(refusal({tensor(DType::kF32, {1, 3}), tensor(DType::kI64, {})}),
            "input 'scale': got i64[], want f32[]");
}

TEST(CheckInputs, ViewsMayLie) {
  const Tensor data = tensor(DType::kF32, {1, 3});
  TensorView view = data.view();
  view.data = view.data.first(8);
  const TensorView scale{DType::kF32, {}, data.data().first(4)};
  EXPECT_EQ(check_inputs(kPorts, {view, scale}).error().message,
            "input 'image': got 8 bytes, want 12");
  view.shape = {-1, 3};
  EXPECT_THAT(check_inputs(kPorts, {view, scale}).error().message, HasSubstr("negative extent"));
  view.shape = {INT64_MAX, 3};
  EXPECT_THAT(check_inputs(kPorts, {view, scale}).error().message, HasSubstr("too large"));
}

TEST(OrderInputs, ByName) {
  const Tensor image = tensor(DType::kF32, {1, 3});
  const Tensor scale = tensor(DType::kF32, {});
  const auto ordered = order_inputs(kPorts, {{"scale", scale}, {"image", image}});
  ASSERT_TRUE(ordered);
  EXPECT_EQ((*ordered)[0].data.data(), image.data().data());
  EXPECT_EQ((*ordered)[1].data.data(), scale.data().data());
  const auto says = [&](const std::vector<NamedTensor>& named) {
    return order_inputs(kPorts, named).error().message;
  };
  EXPECT_EQ(says({{"scale", scale}, {"imag", image}}),
            "no input 'imag'; the model has 'image', 'scale'");
  EXPECT_EQ(says({{"scale", scale}, {"scale", scale}}), "input 'scale' is given twice");
  EXPECT_EQ(says({{"scale", scale}}), "input 'image' (f32[?,3]) is missing");
}

}  // namespace
}  // namespace cloister
