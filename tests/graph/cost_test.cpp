#include "graph/cost.h"

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::TestGraph;

// A node with tensors of the given shapes; every shape is known, and no operator checked.
struct CostCase {
  const char* name;
  const char* op;
  std::vector<Shape> inputs;
  Shape output;
  std::optional<uint64_t> macs;
  std::vector<zoo::Attr> attributes = {};
  const char* domain = "";
};

TensorType type_of(const Shape& shape) {
  TensorType type{DType::kF32, std::vector<Dim>{}};
  for (const int64_t dimension : shape) type.dims->push_back({dimension, false});
  return type;
}

const std::vector<CostCase> kCostCases = {
    // [1,8,6,6] outputs, each a sum over 3 channels of 3x3.
    {"Conv", "Conv", {{1, 3, 8, 8}, {8, 3, 3, 3}}, {1, 8, 6, 6}, 8 * 36 * 27},
    // Four groups: each output sees 2 channels.
    {"ConvGroups", "Conv", {{1, 8, 6, 6}, {16, 2, 3, 3}}, {1, 16, 6, 6}, 16 * 36 * 2 * 9},
    {"ConvDepthwise", "Conv", {{1, 8, 6, 6}, {8, 1, 5, 5}}, {1, 8, 6, 6}, 8 * 36 * 25},
    {"Conv1d", "Conv", {{1, 4, 10}, {2, 4, 3}}, {1, 2, 8}, 2 * 8 * 12},
    {"QLinearConv",
     "QLinearConv",
     {{1, 3, 8, 8}, {}, {}, {8, 3, 3, 3}, {}, {}, {}, {}},
     {1, 8, 6, 6},
     8 * 36 * 27},
    // Each of 4x4x6 input values goes into 2x2 places of 3 outputs (5 per group, 2 groups: 10).
    {"ConvTranspose", "ConvTranspose", {{1, 6, 4, 4}, {6, 5, 2, 2}}, {1, 10, 8, 8}, 96 * 5 * 4},
    {"Gemm", "Gemm", {{1, 20}, {20, 7}, {7}}, {1, 7}, 140},
    {"GemmTransB", "Gemm", {{3, 20}, {7, 20}}, {3, 7}, 3 * 7 * 20, {{"transB", 1}}},
    {"GemmTransA", "Gemm", {{20, 3}, {20, 7}}, {3, 7}, 3 * 7 * 20, {{"transA", 1}}},
    {"MatMul", "MatMul", {{5, 6}, {6, 7}}, {5, 7}, 5 * 6 * 7},
    {"MatMulBatch", "MatMul", {{2, 3, 5, 6}, {6, 7}}, {2, 3, 5, 7}, 6 * 5 * 6 * 7},
    {"MatMulVectors", "MatMul", {{6}, {6}}, {}, 6},
    {"MatMulInteger", "MatMulInteger", {{5, 6}, {6, 7}}, {5, 7}, 5 * 6 * 7},
    {"FusedMatMul", "FusedMatMul", {{5, 6}, {6, 7}}, {5, 7}, 210, {}, "com.microsoft"},
    {"FusedMatMulTransA",
     "FusedMatMul",
     {{6, 5}, {6, 7}},
     {5, 7},
     210,
     {{"transA", 1}},
     "com.microsoft"},
    // 12 steps of 2 sequences; 4 gates of 16, from 10 inputs and 16 states; two directions.
    {"Lstm", "LSTM", {{12, 2, 10}, {2, 64, 10}, {2, 64, 16}}, {12, 2, 2, 16}, 12 * 2 * 2 * 64 * 26},
    {"Gru", "GRU", {{12, 1, 10}, {1, 48, 10}, {1, 48, 16}}, {12, 1, 1, 16}, 12 * 48 * 26},
    {"Relu", "Relu", {{1, 1000}}, {1, 1000}, 0},
    {"Elsewhere", "Conv", {{1, 3, 8, 8}, {8, 3, 3, 3}}, {1, 8, 6, 6}, std::nullopt, {}, "custom"},
    {"OfTables", "Scaler", {{1, 3}}, {1, 3}, 0, {}, "ai.onnx.ml"},
    {"EinsumOfTwo",
     "Einsum",
     {{4, 5, 6}, {6, 7}},
     {4, 5, 7},
     4 * 5 * 6 * 7,
     {{"equation", "bij, jk -> bik"}}},
    {"EinsumOfOne", "Einsum", {{4, 5}}, {5, 4}, 0, {{"equation", "ij->ji"}}},
    {"EinsumWithEllipsis",
     "Einsum",
     {{4, 5}, {5, 6}},
     {4, 6},
     std::nullopt,
     {{"equation", "...j,jk->...k"}}},
    {"EinsumOfThree",
     "Einsum",
     {{4, 5}, {5, 6}, {6, 7}},
     {4, 7},
     std::nullopt,
     {{"equation", "ij,jk,kl->il"}}},
    {"AttentionOfHeads",
     "Attention",
     {{2, 4, 5, 8}, {2, 4, 7, 8}, {2, 4, 7, 9}},
     {2, 4, 5, 9},
     2 * 4 * 5 * 7 * 8 + 2 * 4 * 5 * 7 * 9},
    {"MultiHeadAttention",
     "MultiHeadAttention",
     {{1, 5, 32}, {1, 7, 32}, {1, 7, 16}},
     {1, 5, 16},
     5 * 7 * 32 + 5 * 7 * 16,
     {},
     "com.microsoft"},
    {"PackedAttention",
     "Attention",
     {{1, 5, 32}, {32, 96}, {96}},
     {1, 5, 32},
     5 * 32 * 96 + 2 * 5 * 5 * 32,
     {},
     "com.microsoft"},
    {"GroupedAttention",
     "GroupQueryAttention",
     {{1, 5, 32}, {1, 5, 16}, {1, 5, 16}},
     {1, 5, 32},
     std::nullopt,
     {},
     "com.microsoft"},
    {"FourBits",
     "MatMulNBits",
     {{1, 5, 32}, {8, 2, 8}, {8, 2}},
     {1, 5, 8},
     5 * 8 * 32,
     {{"K", 32}, {"N", 8}},
     "com.microsoft"},
    {"NoFilters", "Conv", {{1, 3, 8, 8}, {0, 3, 3, 3}}, {1, 0, 6, 6}, std::nullopt},
    {"NoInputs", "MatMul", {}, {5, 7}, std::nullopt},
    {"Unknown", "MatMul", {{5, -1}, {6, 7}}, {5, 7}, std::nullopt},
    {"Huge",
     "MatMul",
     {{INT64_MAX, INT64_MAX}, {INT64_MAX, INT64_MAX}},
     {INT64_MAX, INT64_MAX},
     UINT64_MAX},
};

class NodeMacs : public testing::TestWithParam<CostCase> {};

TEST_P(NodeMacs, ByHand) {
  const CostCase& c = GetParam();
  TestGraph b;
  std::vector<std::string> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) inputs.push_back(b.f32("x" + std::to_string(i)));
  b.op("y", c.op, inputs, c.attributes, c.domain);
  b.f32("z");
  b.op("out", "Everything", {"y", "z"});
  b.outputs({"out"});
  Graph graph = b.build();
  if (c.inputs.empty()) graph.nodes[0].is_constant = false;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    graph.values[graph.ids.at(inputs[i])].type = type_of(c.inputs[i]);
  }
  graph.values[graph.ids.at("y")].type = type_of(c.output);
  EXPECT_EQ(node_macs(graph, graph.nodes[graph.find("y")->producer]), c.macs);
}

INSTANTIATE_TEST_SUITE_P(Cost, NodeMacs, testing::ValuesIn(kCostCases),
                         [](const auto& test) { return test.param.name; });

TEST(Cost, ConstantBytes) {
  TestGraph b;
  b.op("c", "Constant", {}, {{"value", zoo::make_tensor<float>({3}, {1.0F, 2, 3})}});
  b.op("s", "Constant", {}, {{"value_int", 7}});
  b.op("f", "ConstantOfShape", {"c"}, {{"value", zoo::make_tensor<float>({1}, {1.0F})}});
  b.outputs({"c", "s", "f"});
  const Graph graph = b.build();
  EXPECT_EQ(node_constant_bytes(graph.nodes[graph.find("c")->producer]), 12U);
  EXPECT_EQ(node_constant_bytes(graph.nodes[graph.find("s")->producer]), 0U);
  EXPECT_EQ(node_constant_bytes(graph.nodes[graph.find("f")->producer]), 0U);
}

TEST(Cost, TrainableParameters) {
  TestGraph b;
  b.f32("x");
  for (const char* name : {"scale", "bias", "mean", "var"}) b.random(name, {10});
  b.random("w", {10, 20});
  b.random("unused", {1000});
  b.initializer("scalar", zoo::make_tensor<float>({}, {1.0F}));
  b.ints("shape", {1, -1});
  b.op("n", "BatchNormalization", {"x", "scale", "bias", "mean", "var"});
  b.op("m", "MatMul", {"n", "w"});
  b.op("s", "Mul", {"m", "scalar"});
  b.op("y", "Reshape", {"s", "shape"});
  b.outputs({"y"});
  Graph graph = b.build();
  for (const auto& tensor : graph.model.proto->graph().initializer()) {
    auto& type = graph.values[graph.ids.at(tensor.name())].type;
    type = type_of(Shape(tensor.dims().begin(), tensor.dims().end()));
    type.dtype = dtype_from_onnx(tensor.data_type());
  }
  EXPECT_EQ(trainable_parameters(graph), 10U + 10U + 200U);
}

TEST(Cost, TrainableParametersOfAnOddNormalisation) {
  TestGraph b;
  b.f32("x");
  b.op("y", "BatchNormalization", {"x", "", "", "", ""});
  b.outputs({"y"});
  EXPECT_EQ(trainable_parameters(b.build()), 0U);
}

}  // namespace
}  // namespace cloister
