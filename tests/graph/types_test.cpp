#include "graph/types.h"

#include "engine/probe.h"
#include "graph/extract.h"
#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::expect_error;
using test::TestGraph;
using test::value_of;
using testing::ElementsAre;

Graph typed(TestGraph& b, const TypeOptions& options = {}) {
  Graph graph = b.build();
  const auto inferred = infer_types(graph, onnxruntime_probe(), options);
  EXPECT_TRUE(inferred) << inferred.error().message;
  return graph;
}

std::string type(const Graph& graph, const std::string& name) {
  return graph.find(name)->type.text();
}

TEST(InferTypes, SymbolicBatch) {
  TestGraph b;
  b.f32("x", {"N", 3, 8, 8});
  b.random("w", {4, 3, 3, 3});
  b.random("fc", {144, 300});  // kept apart
  b.op("c", "Conv", {"x", "w"});
  b.op("f", "Flatten", {"c"});
  b.op("y", "MatMul", {"f", "fc"});
  b.op("pairs", "Concat", {"y", "y"}, {{"axis", 0}});
  b.op("mean", "ReduceMean", {"y"}, {{"keepdims", 0}});
  b.outputs({"pairs", "mean"});
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "x"), "f32[N,3,8,8]");
  EXPECT_EQ(type(graph, "c"), "f32[N,4,6,6]");
  EXPECT_EQ(type(graph, "f"), "f32[N,144]");
  EXPECT_EQ(type(graph, "fc"), "f32[144,300]");
  EXPECT_EQ(type(graph, "pairs"), "f32[2N,300]");
  EXPECT_EQ(type(graph, "mean"), "f32[]");
  EXPECT_THAT(graph.batch_symbols, ElementsAre("N"));
}

TEST(InferTypes, FixedBatch) {
  TestGraph b;
  b.f32("x", {2, 4});
  b.op("y", "Relu", {"x"});
  b.outputs({"y"});
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "y"), "f32[2,4]");
  EXPECT_THAT(graph.batch_symbols, testing::IsEmpty());
}

TEST(InferTypes, UnnamedBatchAndTwoInputs) {
  TestGraph b;
  b.f32("x", {"", 4});
  b.f32("x2", {"batch", 4});
  b.op("a", "Relu", {"x"});
  b.op("y", "Concat", {"x2", "x2"}, {{"axis", 1}});
  b.op("z", "Add", {"a", "x2"});
  b.outputs({"y", "z"});
  b.graph()
      .mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->clear_dim_param();
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "a"), "f32[N,4]");
  EXPECT_EQ(type(graph, "y"), "f32[N,8]");
  EXPECT_EQ(type(graph, "z"), "f32[N,4]");
  EXPECT_EQ(graph.batch_symbols.size(), 2U);
}

// What exporters write for x.view(x.size(0), -1, 2, 8).
TestGraph transformer_like() {
  TestGraph b;
  b.f32("x", {"N", "seq", 16});
  b.ints("zero", {0});
  b.ints("one", {1});
  b.ints("rest", {2, 8});
  b.op("shape", "Shape", {"x"});
  b.op("n", "Gather", {"shape", "zero"});
  b.op("s", "Gather", {"shape", "one"});
  b.op("target", "Concat", {"n", "s", "rest"}, {{"axis", 0}});
  b.op("h", "Relu", {"x"});
  b.op("heads", "Reshape", {"h", "target"});
  b.op("t", "Transpose", {"heads"}, {{"perm", {0, 2, 1, 3}}});
  b.op("y", "Softmax", {"t"});
  b.outputs({"y"});
  return b;
}

TEST(InferTypes, ShapeChains) {
  TestGraph b = transformer_like();
  const Graph graph = typed(b, {.dimensions = {{"seq", 5}}});
  EXPECT_EQ(type(graph, "shape"), "i64[3]");
  EXPECT_EQ(type(graph, "heads"), "f32[N,5,2,8]");
  EXPECT_EQ(type(graph, "y"), "f32[N,2,5,8]");
}

TEST(InferTypes, ExtentsThatNobodyGaveStayOpen) {
  TestGraph b = transformer_like();
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "x"), "f32[N,?,16]");
  EXPECT_EQ(type(graph, "h"), "f32[N,?,16]");
  // Not what a run at some length would show: a segment that says so refuses every other.
  const auto& heads = graph.find("heads")->type;
  ASSERT_TRUE(heads.dims);
  ASSERT_EQ(heads.dims->size(), 4U);
  EXPECT_EQ((*heads.dims)[1].size, -1);
  EXPECT_EQ(heads.bytes(), std::nullopt);
  const CutList list = list_cuts(graph);
  for (const Cut& cut : list.cuts) EXPECT_EQ(cut.bytes, std::nullopt);
}

TEST(InferTypes, ExtentsThatValuesDecideStayOpen) {
  TestGraph b;
  b.f32("x", {"N", 4});
  b.op("h", "Relu", {"x"});
  b.op("where", "NonZero", {"h"});
  b.op("back", "Transpose", {"where"});
  b.op("picked", "GatherND", {"h", "back"});
  b.op("y", "Sigmoid", {"picked"});
  b.outputs({"y"});
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "where"), "i64[2,?]");
  EXPECT_EQ(type(graph, "picked"), "f32[?]");
  // A run on zeros finds none; declared so, the border would refuse all others.
  EXPECT_EQ(graph.find("y")->type.bytes(), std::nullopt);
}

TEST(InferTypes, OptionsMustNameSomething) {
  TestGraph b = transformer_like();
  Graph graph = b.build();
  expect_error(infer_types(graph, onnxruntime_probe(), {.dimensions = {{"sequence", 5}}}),
               Kind::kUsage, "the model has no symbolic dimension 'sequence'");
  TestGraph c = transformer_like();
  const Graph fixed = typed(c, {.dimensions = {{"N", 2}, {"seq", 5}}});
  EXPECT_EQ(type(fixed, "y"), "f32[2,2,5,8]");
}

TEST(InferTypes, UnknownOperatorsTakeWhatIsDeclared) {
  TestGraph b;
  b.opset("custom", 1);
  b.f32("x", {"N", 4});
  b.op("a", "Relu", {"x"});
  b.op("m", "Mystery", {"a"}, {}, "custom");
  b.op("n", "Mystery", {"m"}, {}, "custom");
  b.op("y", "Relu", {"n"});
  b.output("y", DType::kF32, {"N", 7});
  auto& info = *b.graph().add_value_info();
  info.set_name("m");
  auto& declared = *info.mutable_type()->mutable_tensor_type();
  declared.set_elem_type(10);
  declared.mutable_shape()->add_dim()->set_dim_param("N");
  declared.mutable_shape()->add_dim()->set_dim_value(9);
  declared.mutable_shape()->add_dim()->set_dim_param("free");
  declared.mutable_shape()->add_dim()->set_dim_value(-5);
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "m"), "f16[N,9,?,?]");
  EXPECT_EQ(type(graph, "n"), "?");
  EXPECT_EQ(type(graph, "y"), "f32[N,7]");
  expect_error(extract(graph, {0, 3}), Kind::kUnsupported, "the type of 'n' is not known");
}

TEST(InferTypes, DeclarationsOfAnotherBatchAreNotTaken) {
  // A file whose inputs were made symbolic by hand; two names keep it off the quick way.
  TestGraph b;
  b.f32("x", {"N", 4});
  b.f32("x2", {"batch", 4});
  b.op("a", "Relu", {"x"});
  b.op("y", "Add", {"a", "x2"});
  b.output("y", DType::kF32, {1, 4});
  auto& info = *b.graph().add_value_info();
  info = b.graph().output(0);
  info.set_name("a");
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "a"), "f32[N,4]");
  EXPECT_EQ(type(graph, "y"), "f32[N,4]");
}

TEST(InferTypes, ASecondExtentIsNoBatchWhateverItsName) {
  TestGraph b;
  b.f32("x", {"N", "batch"});
  b.op("y", "Relu", {"x"});
  b.outputs({"y"});
  EXPECT_EQ(type(typed(b), "y"), "f32[N,?]");
}

TEST(InferTypes, HugeDeclaredDimensions) {
  TestGraph b;
  b.opset("custom", 1);
  b.f32("x", {"N", 4});
  b.op("m", "Mystery", {"x"}, {}, "custom");
  b.op("y", "Mystery", {"m"}, {}, "custom");
  b.output("y", DType::kF32, {INT64_MAX, INT64_MAX, "N"});
  const Graph graph = typed(b);
  EXPECT_EQ(graph.find("y")->type.elements(), UINT64_MAX);
}

TEST(InferTypes, UnknownRankScalarsAndSequences) {
  TestGraph b;
  b.f32("x", {"N", 4});
  b.f32("free");
  b.graph().mutable_input(1)->mutable_type()->mutable_tensor_type()->clear_shape();
  b.op("any", "Relu", {"free"});
  b.op("scalar", "ReduceMax", {"x"}, {{"keepdims", 0}});
  b.op("list", "SequenceConstruct", {"x", "x"});
  b.op("y", "SequenceAt", {"list", "zero"});
  b.initializer("zero", zoo::make_tensor<int64_t>({}, {0}));
  b.outputs({"any", "scalar", "y"});
  const Graph graph = typed(b, {.dimensions = {}, .may_run = false});
  EXPECT_EQ(type(graph, "any"), "f32[...]");
  EXPECT_EQ(type(graph, "scalar"), "f32[]");
  EXPECT_EQ(type(graph, "list"), "?");
}

TEST(InferTypes, SubgraphsAndOptionalOutputs) {
  TestGraph branch;
  branch.op("inner", "Relu", {"x"});
  branch.output("inner", DType::kF32);
  const onnx::GraphProto body = body_of(branch);
  TestGraph b;
  b.f32("x", {"N", 4});
  b.input("cond", DType::kBool, {});
  b.op("i", "If", {"cond"}, {{"then_branch", body}, {"else_branch", body}});
  b.ints("axes", {0});
  b.op("steps", "Unsqueeze", {"i", "axes"});
  b.random("w", {1, 12, 4});
  b.random("r", {1, 12, 3});
  b.add({.op = "GRU",
         .inputs = {"steps", "w", "r"},
         .attrs = {{"hidden_size", 3}},
         .outputs = {"", "last"}});
  b.outputs({"last"});
  const Graph graph = typed(b);
  EXPECT_EQ(type(graph, "i"), "f32[N,4]");
  EXPECT_EQ(type(graph, "last"), "f32[1,N,3]");
}

TEST(InferTypes, OldModelsWhoseWeightsAreInputs) {
  TestGraph b;
  b.f32("x", {"N", 40});
  b.f32("w", {40, 20});
  b.random("w", {40, 20});
  b.op("a", "MatMul", {"x", "w"});
  b.op("y", "Relu", {"a"});
  b.outputs({"y"});
  onnx::ModelProto proto = b.finish();
  proto.set_ir_version(3);
  Graph graph = value_of(build_graph(value_of(make_model(proto))));
  ASSERT_TRUE(infer_types(graph, onnxruntime_probe()));
  EXPECT_EQ(type(graph, "a"), "f32[N,20]");
  const CutList list = list_cuts(graph);
  ASSERT_EQ(list.cuts.size(), 1U);
  EXPECT_EQ(list.cuts[0].weight_bytes_before, 3200U);
  EXPECT_EQ(list.total_macs, 800U);
}

// ONNX Runtime takes time in the square of the outputs, so long models are asked about in pieces.
TEST(InferTypes, LongModelsAreInferredInPieces) {
  TestGraph b;
  b.f32("x0", {"N", 4});
  constexpr int kNodes = 1200;
  for (int i = 0; i < kNodes; ++i) b.op(fmt::format("x{}", i + 1), "Relu", {fmt::format("x{}", i)});
  b.outputs({fmt::format("x{}", kNodes)});
  Graph graph = b.build();
  const TypeProbe real = onnxruntime_probe();
  std::vector<size_t> asked;
  const TypeProbe counting = {
      [&](const std::string& model) {
        auto types = real.infer(model);
        asked.push_back(types ? types->size() : 0);
        return types;
      },
      [](const Segment&) -> Result<std::vector<ProbedType>> { return invalid("not to be run"); }};
  ASSERT_TRUE(infer_types(graph, counting));
  EXPECT_THAT(asked, ElementsAre(500, 500, 200));
  EXPECT_EQ(type(graph, "x1200"), "f32[N,4]");
}

}  // namespace
}  // namespace cloister
