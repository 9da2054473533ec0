#include "engine/torch/segment_module.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "engine/onnxruntime.h"
#include "engine/segments.h"
#include "graph/zoo/builder.h"
#include "graph/zoo/zoo.h"
#include "tests/engine/small_models.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::node;
using test::small_segment;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

using Module = std::shared_ptr<SegmentModule>;

Tensor doubles(Shape shape, uint32_t seed) {
  Tensor tensor = *Tensor::make(DType::kF64, std::move(shape));
  for (double& x : tensor.mutable_as<double>()) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<double>(seed >> 8) / 8388608.0 - 1.0;
  }
  return tensor;
}

at::Tensor random(at::IntArrayRef shape) {
  return at::randn(shape, at::TensorOptions(at::kDouble)).requires_grad_(true);
}

// A weighting of all outputs, so that each counts differently.
at::Tensor scalar(const SegmentModule& module, const std::vector<at::Tensor>& inputs) {
  const auto outputs = module.forward(inputs);
  if (!outputs) throw std::runtime_error(outputs.error().message);
  at::Tensor total = at::zeros({}, at::kDouble);
  for (const at::Tensor& output : *outputs) {
    if (!output.is_floating_point()) continue;
    const at::Tensor weight = at::arange(1, output.numel() + 1, at::kDouble).sin();
    total = total + (output.flatten() * weight).sum();
  }
  return total;
}

// Gradients of every input and parameter against central differences.
void check_gradients(const Module& module, const std::vector<at::Tensor>& inputs) {
  scalar(*module, inputs).backward();
  std::vector<std::pair<std::string, at::Tensor>> leaves;
  for (size_t i = 0; i < inputs.size(); ++i) leaves.emplace_back(std::to_string(i), inputs[i]);
  for (const auto& item : module->named_parameters()) leaves.emplace_back(item.key(), item.value());
  for (const auto& [name, leaf] : leaves) {
    ASSERT_TRUE(leaf.grad().defined()) << name;
    const at::NoGradGuard no_gradients;
    const at::Tensor flat = leaf.view({-1});
    for (int64_t i = 0; i < flat.numel(); i += std::max<int64_t>(1, flat.numel() / 7)) {
      constexpr double kStep = 1e-6;
      const double before = flat[i].item<double>();
      flat[i] = before + kStep;
      const double above = scalar(*module, inputs).item<double>();
      flat[i] = before - kStep;
      const double below = scalar(*module, inputs).item<double>();
      flat[i] = before;
      const double numeric = (above - below) / (2 * kStep);
      const double exact = leaf.grad().view({-1})[i].item<double>();
      EXPECT_NEAR(exact, numeric, 1e-5 * std::max(1.0, std::abs(numeric))) << name << " " << i;
    }
  }
}

struct GradientCase {
  const char* name;
  std::string nodes;
  std::vector<Shape> inputs;
  std::vector<NamedTensor> weights;
  int opset = 17;
};

class Gradient : public ::testing::TestWithParam<GradientCase> {};

TEST_P(Gradient, IsThatOfFiniteDifferences) {
  at::manual_seed(1);
  const GradientCase& given = GetParam();
  std::vector<TensorSpec> specs;
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < given.inputs.size(); ++i) {
    specs.push_back({"x" + std::to_string(i), DType::kF64, given.inputs[i]});
    inputs.push_back(random(given.inputs[i]));
  }
  const auto module = SegmentModule::make(
      small_segment(specs, given.nodes, {{"y", DType::kF64, {}}}, given.weights, given.opset));
  ASSERT_TRUE(module) << module.error().message;
  check_gradients(*module, inputs);
  (*module)->zero_grad();
}

std::vector<GradientCase> gradient_cases() {
  const std::string strided =
      "attribute { name: 'strides' type: INTS ints: 2 ints: 2 } "
      "attribute { name: 'pads' type: INTS ints: 1 ints: 0 ints: 0 ints: 1 } ";
  const std::string kernel = "attribute { name: 'kernel_shape' type: INTS ints: 3 ints: 3 } ";
  const std::string cubic = "attribute { name: 'mode' type: STRING s: 'cubic' } ";
  return {
      {"Conv",
       node("Conv", {"x0", "w", "b"}, "y", strided),
       {{2, 3, 5, 6}},
       {{"w", doubles({4, 3, 3, 3}, 1)}, {"b", doubles({4}, 2)}}},
      {"ConvTranspose",
       node("ConvTranspose", {"x0", "w"}, "y", strided),
       {{2, 3, 4, 5}},
       {{"w", doubles({3, 2, 3, 3}, 1)}}},
      {"BatchNormalization",
       node("BatchNormalization", {"x0", "s", "b", "m", "v"}, "y"),
       {{3, 2, 4}},
       {{"s", doubles({2}, 1)},
        {"b", doubles({2}, 2)},
        {"m", doubles({2}, 3)},
        {"v", test::tensor_of<double>(DType::kF64, {2}, {0.5, 2})}}},
      {"MaxPool", node("MaxPool", {"x0"}, "y", strided + kernel), {{1, 2, 7, 7}}, {}},
      {"AveragePool", node("AveragePool", {"x0"}, "y", strided + kernel), {{1, 2, 7, 7}}, {}},
      {"Gemm",
       node("Gemm", {"x0", "w", "b"}, "y", "attribute { name: 'alpha' type: FLOAT f: 0.5 } "),
       {{3, 4}},
       {{"w", doubles({4, 2}, 1)}, {"b", doubles({2}, 2)}}},
      {"LayerNormalization",
       node("LayerNormalization", {"x0", "s", "b"}, "y"),
       {{3, 4}},
       {{"s", doubles({4}, 1)}, {"b", doubles({4}, 2)}}},
      {"Resize",
       node("Resize", {"x0", "", "scales"}, "y", cubic),
       {{1, 1, 4, 4}},
       {{"scales", test::floats({4}, {1, 1, 2, 1.5})}}},
      {"Gather",
       node("Gather", {"w", "i"}, "g") + node("Mul", {"g", "x0"}, "y"),
       {{3, 2}},
       {{"w", doubles({4, 2}, 1)}, {"i", test::tensor_of<int64_t>(DType::kI64, {3}, {1, -1, 1})}}},
      {"Attention",
       node("MatMul", {"x0", "x1"}, "s") + node("Softmax", {"s"}, "p") +
           node("MatMul", {"p", "x0"}, "y"),
       {{4, 4}, {4, 4}},
       {}},
  };
}

INSTANTIATE_TEST_SUITE_P(All, Gradient, ::testing::ValuesIn(gradient_cases()),
                         [](const auto& test) { return test.param.name; });

// Two layers with a residual, every operator differentiable where it is used.
Segment small_network() {
  return small_segment(
      {{"x", DType::kF64, {-1, 2, 6, 6}}},
      node("Conv", {"x", "stem.0.weight"}, "a",
           "attribute { name: 'auto_pad' type: STRING s: 'SAME_UPPER' } ") +
          node("BatchNormalization",
               {"a", "stem.1.weight", "stem.1.bias", "stem.1.mean", "stem.1.var"}, "b") +
          node("Sigmoid", {"b"}, "s") + node("Mul", {"b", "s"}, "c") +
          node("Add", {"c", "a"}, "d") + node("GlobalAveragePool", {"d"}, "e") +
          node("Flatten", {"e"}, "f") + node("Gemm", {"f", "fc.weight", "fc.bias"}, "y"),
      {{"y", DType::kF64, {-1, 2}}},
      {{"stem.0.weight", doubles({3, 2, 3, 3}, 1)},
       {"stem.1.weight", doubles({3}, 2)},
       {"stem.1.bias", doubles({3}, 3)},
       {"stem.1.mean", doubles({3}, 4)},
       {"stem.1.var", test::tensor_of<double>(DType::kF64, {3}, {0.5, 1, 2})},
       {"fc.weight", doubles({3, 2}, 5)},
       {"fc.bias", doubles({2}, 6)}});
}

TEST(SegmentModule, GradientsOfANetworkAreThoseOfFiniteDifferences) {
  at::manual_seed(1);
  const auto module = SegmentModule::make(small_network());
  ASSERT_TRUE(module) << module.error().message;
  check_gradients(*module, {random({2, 2, 6, 6})});
}

TEST(SegmentModule, RegistersWeightsUnderTheirNames) {
  const auto module = SegmentModule::make(small_network());
  ASSERT_TRUE(module) << module.error().message;
  std::vector<std::string> parameters = (*module)->named_parameters().keys();
  std::ranges::sort(parameters);
  EXPECT_THAT(parameters,
              ElementsAre("fc.bias", "fc.weight", "stem.0.weight", "stem.1.bias", "stem.1.weight"));
  std::vector<std::string> buffers = (*module)->named_buffers().keys();
  std::ranges::sort(buffers);
  EXPECT_THAT(buffers, ElementsAre("stem.1.mean", "stem.1.var"));
  EXPECT_EQ((*module)->weights().size(), 7u);
  EXPECT_FALSE((*module)->is_training());
}

TEST(SegmentModule, NamesWithEmptyPartsAreKept) {
  const auto module = SegmentModule::make(
      small_segment({{"x", DType::kF32, {2}}}, node("Add", {"x", ".w."}, "y"),
                    {{"y", DType::kF32, {2}}}, {{".w.", test::floats({2}, {1, 2})}}));
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_THAT((*module)->weights(), Contains(Key(".w.")));
  EXPECT_EQ((*module)->parameters().size(), 1u);
}

TEST(SegmentModule, TrainingUsesAndTracksTheBatch) {
  const auto module = *SegmentModule::make(small_segment(
      {{"x", DType::kF32, {-1, 1}}}, node("BatchNormalization", {"x", "s", "b", "m", "v"}, "y"),
      {{"y", DType::kF32, {-1, 1}}},
      {{"s", test::floats({1}, {1})},
       {"b", test::floats({1}, {0})},
       {"m", test::floats({1}, {10})},
       {"v", test::floats({1}, {1})}}));
  const at::Tensor x = at::arange(4, at::kFloat).reshape({4, 1});
  EXPECT_NEAR(module->forward({x})->at(0).mean().item<float>(), -8.5, 1e-3);
  module->train();
  EXPECT_NEAR(module->forward({x})->at(0).mean().item<float>(), 0, 1e-5);
  EXPECT_NEAR(module->weights().at("m").item<float>(), 0.9 * 10 + 0.1 * 1.5, 1e-5);
}

TEST(SegmentModule, DropoutIsActiveInTrainingOnly) {
  const auto module = *SegmentModule::make(small_segment(
      {{"x", DType::kF32, {1000}}}, node("Dropout", {"x"}, "y"), {{"y", DType::kF32, {1000}}}));
  const at::Tensor x = at::ones({1000});
  EXPECT_TRUE(at::equal(module->forward({x})->at(0), x));
  module->train();
  at::manual_seed(1);
  const at::Tensor y = module->forward({x})->at(0);
  EXPECT_NEAR((y == 0).sum().item<double>(), 500, 80);
  EXPECT_EQ(y.max().item<float>(), 2);
}

TEST(SegmentModule, TakesInputsByName) {
  const auto module =
      *SegmentModule::make(small_segment({{"a", DType::kF32, {1}}, {"b", DType::kF32, {1}}},
                                         node("Sub", {"a", "b"}, "y"), {{"y", DType::kF32, {1}}}));
  const auto named = module->forward(
      std::map<std::string, at::Tensor>{{"b", at::ones({1})}, {"a", at::ones({1}) * 3}});
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(named->at("y").item<float>(), 2);
  const auto missing = module->forward(std::map<std::string, at::Tensor>{{"a", at::ones({1})}});
  EXPECT_THAT(missing.error().message, HasSubstr("input 'b' is missing"));
}

TEST(WriteBack, WhatIsTrainedIsInTheFile) {
  const auto model = *zoo_model("tiny_transformer", 1);
  const auto module = SegmentModule::make(model);
  ASSERT_TRUE(module) << module.error().message;
  {
    const at::NoGradGuard no_gradients;
    for (at::Tensor& parameter : (*module)->parameters()) parameter.mul_(1.25);
  }
  const auto trained = write_back(**module, model);
  ASSERT_TRUE(trained) << trained.error().message;
  const test::TempDir folder;
  ASSERT_TRUE(write_model(*trained, folder.path() / "trained.onnx"));
  const auto read = read_model(folder.path() / "trained.onnx");
  ASSERT_TRUE(read) << read.error().message;
  const auto again = SegmentModule::make(*read);
  ASSERT_TRUE(again) << again.error().message;
  const auto original = SegmentModule::make(model);
  size_t changed = 0;
  for (const auto& [name, value] : (*again)->weights()) {
    EXPECT_TRUE(at::equal(value, (*module)->weights().at(name))) << name;
    changed += at::equal(value, (*original)->weights().at(name)) ? 0 : 1;
  }
  EXPECT_GT(changed, 10u);
}

TEST(WriteBack, RefusesAModelOfAnotherKind) {
  const auto module = *SegmentModule::make(small_network());
  const auto written = write_back(*module, *zoo_model("tiny_transformer", 1));
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("the model has no initializer"));
}

}  // namespace
}  // namespace cloister
