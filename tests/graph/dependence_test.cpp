#include "graph/dependence.h"

#include "engine/probe.h"
#include "graph/exposure.h"
#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::TestGraph;

// The names of the inputs that `name` carries when that is measured, joined.
std::string carried(const Model& model, const std::string& name,
                    const std::set<std::string>& public_inputs = {}) {
  Graph graph = test::value_of(build_graph(model));
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  ExposureOptions options{.run = onnxruntime_piece_runner()};
  for (const std::string& input : public_inputs) {
    options.public_inputs.insert(graph.ids.at(input));
  }
  const CarriedInputs all = carried_inputs(graph, options);
  std::string names;
  for (const ValueId id : all[graph.ids.at(name)]) {
    names += (names.empty() ? "" : " ") + graph.values[id].name;
  }
  return names;
}

// Of pictures, what a first operator makes of them.
struct PictureCase {
  const char* name;
  std::function<void(TestGraph&)> make;  // y from x, f32 [N,3,16,16]
  const char* carries;
};

void one(TestGraph& b, const std::string& op, const std::vector<std::string>& more = {},
         const std::vector<zoo::Attr>& attributes = {}) {
  std::vector<std::string> inputs = {"x"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  b.op("y", op, inputs, attributes);
}

void convolve(TestGraph& b, const zoo::Dimensions& weights, int64_t group = 1) {
  std::vector<int64_t> shape;
  for (const auto& dimension : weights) shape.push_back(std::get<int64_t>(dimension));
  b.random("w", shape);
  one(b, "Conv", {"w"}, {{"group", group}});
}

const std::vector<PictureCase> kPictureCases = {
    {"Relu", [](auto& b) { one(b, "Relu"); }, "x"},
    {"Erf", [](auto& b) { one(b, "Erf"); }, "x"},
    {"Depthwise",
     [](auto& b) {
       convolve(b, {3, 1, 1, 1}, 3);
     },
     "x"},
    {"Depthwise3x3",
     [](auto& b) {
       convolve(b, {3, 1, 3, 3}, 3);
     },
     ""},
    {"Pointwise",
     [](auto& b) {
       convolve(b, {8, 3, 1, 1});
     },
     ""},
    {"Convolution",
     [](auto& b) {
       convolve(b, {8, 3, 3, 3});
     },
     ""},
    {"MaxPool",
     [](auto& b) {
       one(b, "MaxPool", {}, {{"kernel_shape", {2, 2}}});
     },
     ""},
    {"ChannelsSwapped",
     [](auto& b) {
       b.initializer("w", zoo::make_tensor<float>({3, 3, 1, 1}, {0, 0, 1, 0, 1, 0, 1, 0, 0}));
       one(b, "Conv", {"w"});
     },
     "x"},
    {"InstanceNormalization",
     [](auto& b) {
       b.random("scale", {3});
       b.random("bias", {3});
       one(b, "InstanceNormalization", {"scale", "bias"});
     },
     "x"},
    {"Standardised",
     [](auto& b) {
       b.op("mean", "ReduceMean", {"x"}, {{"axes", {2, 3}}});
       b.op("centred", "Sub", {"x", "mean"});
       b.op("square", "Mul", {"centred", "centred"});
       b.op("variance", "ReduceMean", {"square"}, {{"axes", {2, 3}}});
       b.op("spread", "Sqrt", {"variance"});
       b.op("y", "Div", {"centred", "spread"});
     },
     "x"},
    {"SiLU",
     [](auto& b) {
       b.op("gate", "Sigmoid", {"x"});
       b.op("y", "Mul", {"x", "gate"});
     },
     "x"},
    {"PoolOfAll", [](auto& b) { one(b, "GlobalAveragePool"); }, ""},
    {"WithNoise",
     [](auto& b) {
       b.op("noise", "RandomNormalLike", {"x"});
       b.op("y", "Add", {"x", "noise"});
     },
     ""},
    {"BesideItsConvolution",
     [](auto& b) {
       b.random("w", {8, 3, 3, 3});
       b.op("c", "Conv", {"x", "w"}, {{"pads", {1, 1, 1, 1}}});
       b.op("y", "Concat", {"c", "x"}, {{"axis", 1}});
     },
     "x"},
};

class CarriedOfPictures : public testing::TestWithParam<PictureCase> {};

TEST_P(CarriedOfPictures, AsMeasured) {
  TestGraph b;
  b.f32("x", {"N", 3, 16, 16});
  GetParam().make(b);
  b.op("z", "Relu", {"y"});
  b.outputs({"z"});
  EXPECT_EQ(carried(test::value_of(b.model()), "y"), GetParam().carries);
}

INSTANTIATE_TEST_SUITE_P(Dependence, CarriedOfPictures, testing::ValuesIn(kPictureCases),
                         [](const auto& test) { return test.param.name; });

TEST(MeasuredCarried, AGreyPictureIsAFunctionOfEachPixelAfterAPointwiseLayer) {
  TestGraph b;
  b.f32("x", {"N", 1, 16, 16});
  b.random("w", {8, 1, 1, 1});
  b.op("c", "Conv", {"x", "w"});
  b.op("y", "Relu", {"c"});
  b.outputs({"y"});
  const Model model = test::value_of(b.model());
  EXPECT_EQ(carried(model, "y"), "x");
}

TEST(MeasuredCarried, RowsAreMixedByTheFirstLayer) {
  TestGraph b;
  b.f32("x", {"N", 6});
  b.random("w", {6, 16});
  b.op("h", "MatMul", {"x", "w"});
  b.op("y", "Relu", {"h"});
  b.outputs({"y"});
  const Model model = test::value_of(b.model());
  EXPECT_EQ(carried(model, "h"), "");
  TestGraph pair;
  pair.f32("x", {"N", 2});
  pair.random("w", {2, 64});
  pair.op("h", "MatMul", {"x", "w"});
  pair.op("y", "Relu", {"h"});
  pair.outputs({"y"});
  const Model pair_model = test::value_of(pair.model());
  EXPECT_EQ(carried(pair_model, "h"), "");
  TestGraph single;
  single.f32("x", {"N", 1});
  single.random("w", {1, 16});
  single.op("h", "MatMul", {"x", "w"});
  single.op("y", "Relu", {"h"});
  single.outputs({"y"});
  const Model single_model = test::value_of(single.model());
  EXPECT_EQ(carried(single_model, "y"), "x");
}

TEST(MeasuredCarried, ZerosOfAReluProveNothing) {
  // Three neighbours each, and half of the results cut off.
  for (int seed = 0; seed < 20; ++seed) {
    TestGraph b;
    b.f32("x", {"N", 1, 64});
    const std::string w = b.random(fmt::format("w{}", seed), {32, 1, 3});  // drawn by its name
    b.op("c", "Conv", {"x", w}, {{"pads", {1, 1}}});
    b.op("r", "Relu", {"c"});
    b.op("y", "Tanh", {"r"});
    b.outputs({"y"});
    EXPECT_EQ(carried(test::value_of(b.model()), "r"), "") << seed;
  }
  TestGraph b;  // the same without a convolution, in which nothing is costly
  b.f32("x", {"N", 1, 64});
  b.initializer("half", zoo::make_tensor<float>({1}, {0.9F}));
  b.op("p", "MaxPool", {"x"}, {{"kernel_shape", {3}}});
  b.op("s", "Sub", {"p", "half"});
  b.op("r", "Relu", {"s"});
  b.op("y", "Tanh", {"r"});
  b.outputs({"y"});
  EXPECT_EQ(carried(test::value_of(b.model()), "r"), "");
}

TEST(MeasuredCarried, ATokenHasATypeToo) {
  TestGraph b;
  b.input("ids", DType::kI64, {"N", 8});
  b.input("types", DType::kI64, {"N", 8});
  b.random("words", {50, 16});
  b.random("kinds", {2, 16});
  b.op("e", "Gather", {"words", "ids"});
  b.op("k", "Gather", {"kinds", "types"});
  b.op("s", "Add", {"e", "k"});
  b.op("y", "Relu", {"s"});
  b.outputs({"y"});
  const Model model = test::value_of(b.model());
  EXPECT_EQ(carried(model, "y"), "ids types");
}

TEST(MeasuredCarried, OneTokenOfACausalTextIsNotTheText) {
  // Each place sees those before it, so that the first is a function of one token.
  TestGraph b;
  b.input("ids", DType::kI64, {"N", 8});
  b.random("words", {50, 16});
  b.op("e", "Gather", {"words", "ids"});
  b.op("t", "CumSum", {"e", "axis"});
  b.initializer("axis", zoo::make_tensor<int64_t>({}, {1}));
  b.op("y", "Relu", {"t"});
  b.outputs({"y"});
  const Model model = test::value_of(b.model());
  EXPECT_EQ(carried(model, "e"), "ids");
  EXPECT_EQ(carried(model, "y"), "");
}

TEST(MeasuredCarried, TwoPicturesTogetherAreNeither) {
  TestGraph b;
  b.f32("x", {"N", 3, 16, 16});
  b.f32("x2", {"N", 3, 16, 16});
  b.op("s", "Add", {"x", "x2"});
  b.op("y", "Relu", {"s"});
  b.outputs({"y"});
  const Model model = test::value_of(b.model());
  EXPECT_EQ(carried(model, "y"), "");
  EXPECT_EQ(carried(model, "y", {"x2"}), "x");
  EXPECT_EQ(carried(model, "y", {"x", "x2"}), "");
}

TEST(MeasuredCarried, WhatDoesNotRunIsLeftToItsOperator) {
  TestGraph b;
  b.opset("custom", 1);
  b.f32("x", {"N", 3, 16, 16});
  b.op("r", "Relu", {"x"});
  b.op("own", "Own", {"r"}, {}, "custom");
  b.op("j", "Concat", {"own", "x"}, {{"axis", 1}});
  b.outputs({"j"});
  const Model model = test::value_of(b.model());
  EXPECT_EQ(carried(model, "r"), "x");
  EXPECT_EQ(carried(model, "own"), "");
  EXPECT_EQ(carried(model, "j"), "x");
}

}  // namespace
}  // namespace cloister
