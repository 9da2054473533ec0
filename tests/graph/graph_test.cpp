#include "graph/graph.h"

#include <chrono>

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::expect_error;
using test::names_of;
using test::TestGraph;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.proto->name());
  return names;
}

bool is_constant(const Graph& graph, const std::string& name) {
  return graph.find(name)->is_constant;
}

bool is_shape_only(const Graph& graph, const std::string& name) {
  return graph.find(name)->is_shape_only;
}

TEST(Graph, AnUnsortedFileIsOrdered) {
  TestGraph b;
  b.f32("x");
  b.op("d", "Add", {"b", "c"});
  b.op("c", "Relu", {"a"});
  b.op("b", "Neg", {"a"});
  b.op("a", "Relu", {"x"});
  b.outputs({"d"});
  const Graph graph = b.build();
  // The file's order decides among those that are ready.
  EXPECT_THAT(node_names(graph), ElementsAre("make a", "make c", "make b", "make d"));
  EXPECT_EQ(graph.find("a")->producer, 0U);
  EXPECT_EQ(graph.find("x")->producer, kNone);
  EXPECT_TRUE(graph.find("x")->is_input);
  EXPECT_TRUE(graph.find("d")->is_output);
  EXPECT_EQ(graph.find("nothing"), nullptr);
}

TEST(Graph, CyclesAreNamed) {
  TestGraph b;
  b.f32("x");
  b.op("in", "Relu", {"x"});
  b.op("p", "Add", {"in", "r"});
  b.op("q", "Relu", {"p"});
  b.op("r", "Relu", {"q"});
  b.op("behind", "Relu", {"r"});
  b.outputs({"behind"});
  const auto graph = build_graph(test::value_of(b.model()));
  expect_error(graph, Kind::kInvalid, "the nodes form a cycle through ");
  EXPECT_THAT(graph.error().message, testing::ContainsRegex("'make [pqr]'"));
  TestGraph self;
  self.op("y", "Relu", {"y"});
  self.outputs({"y"});
  expect_error(build_graph(test::value_of(self.model())), Kind::kInvalid, "cycle through Relu");
}

TEST(Graph, CyclesAreFoundInLinearTime) {
  // A cycle of many nodes, each with many inputs before the one that closes it.
  TestGraph b;
  constexpr int kMany = 3000;
  std::vector<std::string> inputs;
  for (int i = 0; i < kMany; ++i) inputs.push_back(b.f32("x" + std::to_string(i)));
  b.op("c", "Concat", [&] {
    auto all = inputs;
    all.push_back("d");
    return all;
  }());
  b.op("d", "Relu", {"c"});
  for (int i = 0; i < 20 * kMany; ++i) b.op("e" + std::to_string(i), "Relu", {"c"});
  std::vector<std::string> outputs;
  for (int i = 0; i < 20 * kMany; ++i) outputs.push_back("e" + std::to_string(i));
  b.outputs(outputs);
  const Model model = test::value_of(b.model());
  const auto start = std::chrono::steady_clock::now();
  expect_error(build_graph(model), Kind::kInvalid, "cycle");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Graph, OnlyWhatTheOutputsNeedIsInIt) {
  TestGraph b;
  b.f32("x");
  b.f32("unused");
  b.random("w", {4});
  b.op("y", "Relu", {"x"});
  b.op("dead", "Add", {"y", "w"});
  b.op("deader", "Relu", {"dead"});
  b.outputs({"y"});
  const Graph graph = b.build();
  EXPECT_THAT(node_names(graph), ElementsAre("make y"));
  EXPECT_EQ(graph.find("dead"), nullptr);
  EXPECT_THAT(names_of(graph, graph.inputs), ElementsAre("x", "unused"));
}

TEST(Graph, ConstantsAreWhatNoInputReaches) {
  TestGraph b;
  b.opset("custom", 1);
  b.f32("x");
  b.f32("defaulted");
  b.initializer("defaulted", zoo::make_tensor<float>({1, 4}, {1.0F, 2, 3, 4}));
  b.random("w", {4});
  b.op("c", "Constant", {}, {{"value_float", 1.0}});
  b.op("c2", "Add", {"c", "w"});
  b.op("c3", "Mul", {"c2", "defaulted"});
  b.op("noise", "RandomNormal", {}, {{"shape", {4}}});
  b.op("noise2", "RandomUniformLike", {"w"});
  b.op("dropped", "Dropout", {"w", "", "c"});
  b.op("kept", "Dropout", {"w"});
  b.op("custom", "Relu", {"w"}, {}, "custom");
  b.op("after_noise", "Relu", {"noise"});
  b.op("y", "Sum", {"x", "c3", "noise2", "dropped", "kept", "custom", "after_noise"});
  b.outputs({"y", "c2"});
  const Graph graph = b.build();
  for (const char* name : {"c", "c2", "c3", "w", "defaulted", "kept"}) {
    EXPECT_TRUE(is_constant(graph, name)) << name;
  }
  for (const char* name : {"x", "noise", "noise2", "dropped", "custom", "after_noise", "y"}) {
    EXPECT_FALSE(is_constant(graph, name)) << name;
  }
  // Constant nodes come first.
  EXPECT_EQ(graph.first_data_node, 4U);
  EXPECT_EQ(graph.data_nodes(), 6U);
  EXPECT_FALSE(graph.find("defaulted")->is_input);
  EXPECT_TRUE(graph.find("c2")->is_output);
}

TEST(Graph, ChanceInsideSubgraphsAndFunctionsIsSeen) {
  TestGraph branch;
  branch.op("inner", "RandomNormalLike", {"w"});
  branch.outputs({"inner"});
  TestGraph still;
  still.op("inner", "Relu", {"w"});
  still.outputs({"inner"});
  const onnx::GraphProto chance = body_of(branch);
  const onnx::GraphProto fixed = body_of(still);
  TestGraph b;
  b.random("w", {4});
  b.initializer("cond", zoo::make_tensor<bool>({}, {true}));
  b.op("by_chance", "If", {"cond"}, {{"then_branch", chance}, {"else_branch", fixed}});
  b.op("always", "If", {"cond"}, {{"then_branch", fixed}, {"else_branch", fixed}});
  // A model's own function may have any domain, the standard's too.
  b.op("function", "Noise", {"w"});
  b.outputs({"by_chance", "always", "function"});
  onnx::ModelProto proto = b.finish();
  auto& function = *proto.add_functions();
  function.set_name("Noise");
  function.add_input("w");
  function.add_output("inner");
  *function.add_node() = chance.node(0);
  const Graph graph = test::value_of(build_graph(test::value_of(make_model(proto))));
  EXPECT_FALSE(is_constant(graph, "by_chance"));
  EXPECT_TRUE(is_constant(graph, "always"));
  EXPECT_FALSE(is_constant(graph, "function"));
}

TEST(Graph, ExtentsAreNotValues) {
  TestGraph b;
  b.f32("x", {"N", 4});
  b.ints("zero", {0});
  b.ints("tail", {-1});
  b.op("shape", "Shape", {"x"});
  b.op("n", "Gather", {"shape", "zero"});
  b.op("target", "Concat", {"n", "tail"}, {{"axis", 0}});
  b.op("y", "Reshape", {"x", "target"});
  b.op("size", "Size", {"y"});
  b.op("mixed", "Mul", {"y", "size"});
  b.outputs({"mixed", "n"});
  const Graph graph = b.build();
  for (const char* name : {"shape", "n", "target", "size"}) {
    EXPECT_TRUE(is_shape_only(graph, name)) << name;
  }
  for (const char* name : {"x", "y", "mixed", "zero"}) {
    EXPECT_FALSE(is_shape_only(graph, name)) << name;
  }
}

TEST(Graph, ExtentsThatValuesDecideAreValues) {
  TestGraph b;
  b.f32("x", {"N", 4});
  b.op("where", "NonZero", {"x"});
  b.op("where2", "Transpose", {"where"});
  b.op("count", "Shape", {"where2"});  // how many elements of x are not zero
  b.op("top", "ReduceMax", {"x"}, {{"keepdims", 0}});
  b.op("top_int", "Cast", {"top"}, {{"to", 7}});
  b.op("one", "Unsqueeze", {"top_int", "axis"});
  b.ints("axis", {0});
  b.op("filled", "ConstantOfShape", {"one"});
  b.op("filled_size", "Size", {"filled"});  // the largest element of x
  b.op("rows", "Shape", {"x"});
  b.outputs({"count", "filled_size", "rows"});
  const Graph graph = b.build();
  EXPECT_FALSE(is_shape_only(graph, "count"));
  EXPECT_FALSE(is_shape_only(graph, "filled_size"));
  EXPECT_TRUE(is_shape_only(graph, "rows"));
}

TEST(Graph, CapturesAreUses) {
  TestGraph inner;
  inner.op("deep", "Add", {"h", "w"});
  inner.outputs({"deep"});
  const onnx::GraphProto innermost = body_of(inner);
  TestGraph branch;
  branch.op("h", "Relu", {"x"});  // hides the outer `h` from the innermost graph
  branch.op("out", "If", {"cond"}, {{"then_branch", innermost}, {"else_branch", innermost}});
  branch.outputs({"out"});
  TestGraph other;
  other.op("out2", "If", {"cond"}, {{"then_branch", innermost}, {"else_branch", innermost}});
  other.outputs({"out2"});
  TestGraph b;
  b.f32("x");
  b.input("cond", DType::kBool, {});
  b.random("w", {4});
  b.op("h", "Neg", {"x"});
  const onnx::GraphProto hiding = body_of(branch);
  b.op("a", "If", {"cond"}, {{"then_branch", hiding}, {"else_branch", hiding}});
  const onnx::GraphProto open = body_of(other);
  b.op("b", "If", {"cond"}, {{"then_branch", open}, {"else_branch", open}});
  b.outputs({"a", "b"});
  const Graph graph = b.build();
  const auto uses = [&](const char* name) {
    return names_of(graph, graph.nodes[graph.find(name)->producer].inputs);
  };
  EXPECT_THAT(uses("a"), UnorderedElementsAre("cond", "x", "w"));
  EXPECT_THAT(uses("b"), UnorderedElementsAre("cond", "h", "w"));
  EXPECT_EQ(graph.find("deep"), nullptr);
}

TEST(Graph, OptionalInputsAndOutputs) {
  TestGraph b;
  b.f32("x", {1, 1, 8, 8});
  b.initializer("scales", zoo::make_tensor<float>({4}, {1.0F, 1, 2, 2}));
  b.op("up", "Resize", {"x", "", "scales"});
  b.add({.op = "LSTM", .inputs = {"up"}, .name = "lstm", .outputs = {"", "last"}});
  b.add({.op = "LSTM", .inputs = {"up"}, .name = "lstm2", .outputs = {"", "last2"}});
  b.op("y", "Add", {"last", "last2"});
  b.outputs({"y"});
  const Graph graph = b.build();
  const Node& resize = graph.nodes[graph.find("up")->producer];
  EXPECT_EQ(graph.input(resize, 1), nullptr);
  EXPECT_EQ(graph.input(resize, 2)->name, "scales");
  EXPECT_EQ(graph.input(resize, 3), nullptr);
  EXPECT_THAT(names_of(graph, graph.nodes[graph.find("last")->producer].outputs),
              ElementsAre("last"));
  EXPECT_EQ(graph.find(""), nullptr);
}

TEST(Graph, OutputsMayBeInputsOrInitializers) {
  TestGraph b;
  b.f32("x");
  b.f32("x2");
  b.random("w", {4});
  b.op("y", "Add", {"x", "x2"});
  b.outputs({"w", "x", "y"});
  const Graph graph = b.build();
  EXPECT_THAT(names_of(graph, graph.outputs), ElementsAre("w", "x", "y"));
  EXPECT_TRUE(graph.find("x")->is_input && graph.find("x")->is_output);
  EXPECT_TRUE(is_constant(graph, "w"));
}

TEST(TensorType, TextAndSizes) {
  TensorType type;
  EXPECT_EQ(type.text(), "?");
  type.dtype = DType::kF32;
  EXPECT_EQ(type.text(), "f32[...]");
  EXPECT_EQ(type.elements(), std::nullopt);
  type.dims = {{1, true}, {64, false}, {4, true}, {-1, false}};
  EXPECT_EQ(type.text(), "f32[N,64,4N,?]");
  EXPECT_EQ(type.bytes(), std::nullopt);
  type.dims->back().size = 2;
  EXPECT_EQ(type.elements(), 512U);
  EXPECT_EQ(type.bytes(), 2048U);
  type.dims = std::vector<Dim>{};
  EXPECT_EQ(type.text(), "f32[]");
  EXPECT_EQ(type.bytes(), 4U);
  type.dims = {{3, false}};
  type.dtype = DType::kI4;
  EXPECT_EQ(type.bytes(), 2U);  // as byte_count() says
  type.dtype = DType::kString;
  EXPECT_EQ(type.bytes(), std::nullopt);
  type.dtype = DType::kF64;
  type.dims = {{INT64_MAX, false}, {INT64_MAX, false}};
  EXPECT_GE(*type.bytes(), uint64_t{1} << 60);
}

}  // namespace
}  // namespace cloister
