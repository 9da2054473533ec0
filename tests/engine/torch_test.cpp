// LibTorch against ONNX Runtime.
#include "engine/torch.h"

#include <gmock/gmock.h>

#include "engine/onnxruntime.h"
#include "engine/random_inputs.h"
#include "engine/segments.h"
#include "graph/zoo/zoo.h"
#include "tests/engine/real_models.h"
#include "tests/engine/small_models.h"

namespace cloister {
namespace {

using test::floats;
using test::node;
using test::small_segment;
using test::values;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kTolerance = 1e-4;

// Both engines on the same random inputs.
void expect_agreement(const Model& model, uint64_t batch) {
  const Segment segment = to_segment(model);
  const auto torch = (*make_torch())->load(segment);
  ASSERT_TRUE(torch) << torch.error().message;
  const auto reference = (*make_onnxruntime())->load(segment);
  ASSERT_TRUE(reference) << reference.error().message;
  const auto inputs = random_inputs((*reference)->inputs(), batch, 1);
  ASSERT_TRUE(inputs) << inputs.error().message;
  const auto run = [&](Program& program) {
    std::vector<TensorView> views = *order_inputs(program.inputs(), *inputs);
    return program.run(views);
  };
  const auto got = run(**torch);
  ASSERT_TRUE(got) << got.error().message;
  const auto want = run(**reference);
  ASSERT_TRUE(want) << want.error().message;
  ASSERT_EQ(got->size(), want->size());
  for (size_t i = 0; i < got->size(); ++i) {
    const auto apart = compare((*got)[i].view(), (*want)[i].view());
    ASSERT_TRUE(apart) << apart.error().message;
    std::cout << fmt::format("output {}: {:.1e} apart\n", i, apart->relative());
    EXPECT_LT(apart->relative(), kTolerance);
  }
}

class TorchZoo : public ::testing::TestWithParam<std::string_view> {};

TEST_P(TorchZoo, AgreesWithOnnxRuntime) {
  if (GetParam() == "vgg16") GTEST_SKIP() << "553 MB of weights, and no operator of its own";
  const auto model = zoo_model(GetParam(), 1);
  ASSERT_TRUE(model) << model.error().message;
  expect_agreement(*model, 2);
}

std::vector<std::string_view> zoo_names() {
  std::vector<std::string_view> names;
  for (const ZooEntry* entry : zoo_entries()) names.push_back(entry->name);
  return names;
}

std::string test_name(std::string name) {
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, TorchZoo, ::testing::ValuesIn(zoo_names()),
                         [](const auto& test) { return test_name(std::string(test.param)); });

class TorchRealModel : public ::testing::TestWithParam<const char*> {};

TEST_P(TorchRealModel, AgreesWithOnnxRuntime) {
  const fs::path packed = test::packed_model(GetParam());
  if (!fs::exists(packed)) GTEST_SKIP() << "no " << packed;
  const auto path = test::unpack(packed);
  ASSERT_TRUE(path) << path.error().message;
  const auto model = read_model(*path);
  ASSERT_TRUE(model) << model.error().message;
  expect_agreement(*model, 1);
}

INSTANTIATE_TEST_SUITE_P(All, TorchRealModel, ::testing::ValuesIn(test::kRealModels),
                         [](const auto& test) { return test_name(test.param); });

TEST(Torch, GivesItsOwnMemory) {
  const auto program =
      *(*make_torch())
           ->load(small_segment({{"x", DType::kF32, {-1}}}, node("Identity", {"x"}, "y"),
                                {{"y", DType::kF32, {-1}}}));
  Tensor x = floats({3}, {1, 2, 3});
  const auto y = program->run({x.view()});
  ASSERT_TRUE(y) << y.error().message;
  x.mutable_as<float>()[0] = 7;
  EXPECT_THAT(values<float>((*y)[0]), ElementsAre(1, 2, 3));
}

TEST(Torch, ChecksItsInputs) {
  const auto program =
      *(*make_torch())
           ->load(small_segment({{"x", DType::kF32, {-1, 2}}}, node("Relu", {"x"}, "y"),
                                {{"y", DType::kF32, {-1, 2}}}));
  const auto result = program->run({floats({1, 3}, {1, 2, 3}).view()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kInvalid);
  EXPECT_THAT(result.error().message, HasSubstr("input 'x': got f32[1,3], want f32[?,2]"));
}

TEST(Torch, RefusesWhatItLacksByNodeAndOperator) {
  const auto refused = [](const std::string& op, const std::string& more) {
    return (*make_torch())
        ->load(small_segment({{"x", DType::kF32, {2}}}, node(op, {"x"}, "y", more),
                             {{"y", DType::kF32, {2}}}))
        .error();
  };
  const Error unknown = refused("Frobnicate", "name: 'n7' ");
  EXPECT_EQ(unknown.kind, Kind::kUnsupported);
  EXPECT_THAT(unknown.message, HasSubstr("Frobnicate 'n7'"));
  const Error foreign = refused("Relu", "name: 'n8' domain: 'com.example' ");
  EXPECT_EQ(foreign.kind, Kind::kUnsupported);
  EXPECT_THAT(foreign.message, HasSubstr("Relu 'n8'"));
  EXPECT_THAT(foreign.message, HasSubstr("com.example"));
}

TEST(Torch, NamesTheNodeThatFails) {
  const auto program =
      *(*make_torch())
           ->load(small_segment({{"a", DType::kF32, {-1, 2}}, {"b", DType::kF32, {-1, 2}}},
                                node("MatMul", {"a", "b"}, "y", "name: 'product' "),
                                {{"y", DType::kF32, {-1, 2}}}));
  const Tensor a = floats({1, 2}, {1, 2});
  const auto result = program->run({a.view(), a.view()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kInvalid);
  EXPECT_THAT(result.error().message, HasSubstr("MatMul 'product'"));
}

TEST(Torch, RefusesADeviceThatIsNotThere) {
  EXPECT_EQ(make_torch({.device = "tpu"}).error().kind, Kind::kUsage);
  EXPECT_EQ(make_torch({.threads = -1}).error().kind, Kind::kUsage);
}

}  // namespace
}  // namespace cloister
