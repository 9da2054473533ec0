#include "graph/cuts.h"

#include <chrono>
#include <set>

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::add_chain;
using test::cut_names;
using test::Names;
using test::names_of;
using test::TestGraph;
using test::value_of;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ListCuts, Chain) {
  TestGraph b;
  b.f32("x");
  add_chain(b, "x", {"a", "b", "y"});
  b.outputs({"y"});
  const Graph graph = b.build();
  const CutList list = list_cuts(graph);
  EXPECT_THAT(cut_names(graph, list), ElementsAre(Names{"a"}, Names{"b"}));
  EXPECT_EQ(list.boundaries, 2U);
  EXPECT_EQ(list.merged, 0U);
  EXPECT_EQ(list.too_wide, 0U);
  EXPECT_EQ(list.cuts[0].position, 1U);
  EXPECT_EQ(list.cuts[1].position, 2U);
}

TEST(ListCuts, NothingToCut) {
  TestGraph b;
  b.f32("x");
  b.op("y", "Relu", {"x"});
  b.outputs({"y", "x"});
  EXPECT_THAT(list_cuts(b.build()).cuts, IsEmpty());
  TestGraph constant;
  constant.random("w", {4});
  constant.op("y", "Relu", {"w"});
  constant.outputs({"y"});
  EXPECT_THAT(list_cuts(constant.build()).cuts, IsEmpty());
}

TEST(ListCuts, Residual) {
  TestGraph b;
  b.f32("x");
  add_chain(b, "x", {"a", "b", "c"});
  b.op("d", "Add", {"a", "c"});
  b.op("y", "Relu", {"d"});
  b.outputs({"y"});
  const Graph graph = b.build();
  EXPECT_THAT(cut_names(graph, list_cuts(graph)),
              ElementsAre(Names{"a"}, Names{"a", "b"}, Names{"a", "c"}, Names{"d"}));
}

TEST(ListCuts, SkipsFromTheInputAreExposed) {
  TestGraph b;
  b.f32("x");
  add_chain(b, "x", {"d1", "d2"});
  b.op("u1", "Concat", {"d2", "d1"}, {{"axis", 1}});
  b.op("u0", "Concat", {"u1", "x"}, {{"axis", 1}});
  b.op("f", "Relu", {"u0"});
  b.op("y", "Relu", {"f"});
  b.outputs({"y"});
  const Graph graph = b.build();
  const CutList list = list_cuts(graph);
  EXPECT_THAT(cut_names(graph, list), ElementsAre(Names{"x", "d1"}, Names{"x", "d1", "d2"},
                                                  Names{"x", "u1"}, Names{"u0"}, Names{"f"}));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(list.cuts[i].exposed_by_construction, "carries input 'x'");
  }
  EXPECT_EQ(list.cuts[3].exposed_by_construction,
            "carries 'u0', a rearrangement or recoding of input 'x'");
  EXPECT_EQ(list.cuts[4].exposed_by_construction, "");
}

TEST(ListCuts, WideCutsAreCounted) {
  TestGraph b;
  b.f32("x");
  b.op("s", "Relu", {"x"});
  const Names branches = {"b1", "b2", "b3", "b4"};
  for (const std::string& name : branches) b.op(name, "Tanh", {"s"});
  b.op("c", "Concat", branches, {{"axis", 1}});
  b.op("y", "Relu", {"c"});
  b.outputs({"y"});
  const Graph graph = b.build();
  CutList list = list_cuts(graph, {.max_tensors = 2});
  EXPECT_THAT(cut_names(graph, list), ElementsAre(Names{"s"}, Names{"s", "b1"}, Names{"c"}));
  EXPECT_EQ(list.too_wide, 3U);
  EXPECT_EQ(list.boundaries, 6U);
  list = list_cuts(graph, {.max_tensors = 1});
  EXPECT_THAT(cut_names(graph, list), ElementsAre(Names{"s"}, Names{"c"}));
  EXPECT_THAT(list_cuts(graph).cuts[4].tensors, testing::SizeIs(4));
}

TEST(ListCuts, SeveralInputs) {
  TestGraph b;
  b.f32("x1");
  b.f32("x2");
  b.f32("unused");
  b.op("a", "Relu", {"x1"});
  b.op("b", "Relu", {"x2"});
  b.op("c", "Add", {"a", "b"});
  b.op("y", "Relu", {"c"});
  b.outputs({"y"});
  const Graph graph = b.build();
  const CutList list = list_cuts(graph);
  EXPECT_THAT(cut_names(graph, list), ElementsAre(Names{"x2", "a"}, Names{"a", "b"}, Names{"c"}));
  EXPECT_EQ(list.cuts[0].exposed_by_construction, "carries input 'x2'");
  EXPECT_EQ(list.cuts[1].exposed_by_construction, "");
}

TEST(ListCuts, CapturesCross) {
  TestGraph branch;
  branch.op("inner", "Relu", {"h"});
  branch.outputs({"inner"});
  const onnx::GraphProto body = body_of(branch);
  TestGraph b;
  b.f32("x");
  b.input("cond", DType::kBool, {});
  b.op("h", "Relu", {"x"});
  b.op("g", "Tanh", {"h"});
  b.op("i", "If", {"cond"}, {{"then_branch", body}, {"else_branch", body}});
  b.op("y", "Add", {"i", "g"});
  b.outputs({"y"});
  const Graph graph = b.build();
  EXPECT_THAT(cut_names(graph, list_cuts(graph)),
              ElementsAre(Names{"cond", "h"}, Names{"h", "i"}, Names{"i", "g"}));
}

TEST(ListCuts, ArrangementsAreOneCut) {
  TestGraph b;
  b.f32("x");
  b.ints("zero", {0});
  b.ints("rest", {-1});
  b.op("a", "Relu", {"x"});
  b.op("shape", "Shape", {"a"});
  b.op("n", "Gather", {"shape", "zero"});
  b.op("target", "Concat", {"n", "rest"}, {{"axis", 0}});
  b.op("r", "Reshape", {"a", "target"});
  b.op("t", "Transpose", {"r"});
  b.op("d", "Dropout", {"t"});
  b.op("f", "Relu", {"d"});
  b.op("y", "Relu", {"f"});
  b.outputs({"y"});
  const Graph graph = b.build();
  const CutList list = list_cuts(graph);
  EXPECT_THAT(cut_names(graph, list), ElementsAre(Names{"a"}, Names{"f"}));
  EXPECT_THAT(list.cuts[0].shape_tensors, IsEmpty());
  EXPECT_EQ(list.merged, 6U);
  EXPECT_EQ(list.boundaries, 8U);
}

TEST(ListCuts, AGroupIsCutWhereItIsNarrowest) {
  TestGraph b;
  b.f32("x");
  b.op("h", "Relu", {"x"});
  b.op("t", "Transpose", {"h"});  // the same as h
  b.op("s", "Relu", {"t"});
  b.op("y", "MatMul", {"h", "s"});
  b.outputs({"y"});
  const Graph graph = b.build();
  const CutList list = list_cuts(graph);
  EXPECT_THAT(cut_names(graph, list), ElementsAre(Names{"h"}, Names{"h", "s"}));
  EXPECT_EQ(list.cuts[0].position, 1U);
  EXPECT_EQ(list.merged, 1U);
  // Dimensions that cross are avoided, too.
  TestGraph c;
  c.f32("x");
  c.op("shape", "Shape", {"x"});
  c.op("a", "Relu", {"x"});
  c.op("r", "Reshape", {"a", "shape"});
  c.op("y", "Relu", {"r"});
  c.outputs({"y"});
  const Graph with_dimensions = c.build();
  const CutList cuts = list_cuts(with_dimensions);
  EXPECT_THAT(cut_names(with_dimensions, cuts), ElementsAre(Names{"x"}, Names{"r"}));
  EXPECT_THAT(names_of(with_dimensions, cuts.cuts[0].shape_tensors), ElementsAre("shape"));
  EXPECT_THAT(cuts.cuts[1].shape_tensors, IsEmpty());
}

TEST(ListCuts, TrainingDropoutIsNoArrangement) {
  TestGraph b;
  b.f32("x");
  b.initializer("ratio", zoo::make_tensor<float>({}, {0.5F}));
  b.initializer("training", zoo::make_tensor<bool>({}, {true}));
  b.op("a", "Relu", {"x"});
  b.op("d", "Dropout", {"a", "ratio", "training"});
  b.op("y", "Relu", {"d"});
  b.outputs({"y"});
  const Graph graph = b.build();
  EXPECT_THAT(cut_names(graph, list_cuts(graph)), ElementsAre(Names{"a"}, Names{"d"}));
}

TEST(ListCuts, TheSameTensorsAreOneCut) {
  // Between the heads nothing but `feature` is live, again and again.
  TestGraph b;
  b.f32("x");
  b.op("feature", "Relu", {"x"});
  for (int i = 0; i < 60; ++i) {
    const std::string head = "head" + std::to_string(i);
    b.op(head, "Tanh", {"feature"});
    b.op(head + "_out", "Exp", {head});
    b.outputs({head + "_out"});
  }
  const Graph graph = b.build();
  const CutList list = list_cuts(graph);
  std::set<Names> seen;
  std::set<std::string> ids;
  for (const Cut& cut : list.cuts) {
    EXPECT_TRUE(seen.insert(names_of(graph, cut.tensors)).second);
    EXPECT_TRUE(ids.insert(cut.id).second);
  }
  // feature, 59 times feature and a head, the last two heads, the last one
  EXPECT_EQ(list.cuts.size(), 62U);
  EXPECT_EQ(list.cuts[0].position, 1U);
  EXPECT_EQ(list.boundaries, list.cuts.size() + list.merged + list.too_wide);
}

TEST(ListCuts, HostileGraphsTakeLinearTimeAndMemory) {
  // Thousands of dimensions that are live across thousands of boundaries.
  TestGraph b;
  constexpr int kMany = 10000;
  b.f32("x");
  Names shapes;
  for (int i = 0; i < kMany; ++i) {
    shapes.push_back(b.op("s" + std::to_string(i), "Shape", {"x"}));
  }
  std::string last = "x";
  for (int i = 0; i < kMany; ++i) last = b.op("r" + std::to_string(i), "Relu", {last});
  shapes.push_back(last);
  b.op("y", "Sum", shapes);
  b.outputs({"y"});
  // A constant node with as many outputs as inputs.
  onnx::ModelProto proto = b.finish();
  const Graph graph = value_of(build_graph(value_of(make_model(proto))));
  const auto start = std::chrono::steady_clock::now();
  const CutList list = list_cuts(graph);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  size_t kept = 0;
  for (const Cut& cut : list.cuts) kept += cut.shape_tensors.size();
  EXPECT_LT(kept, 300U * kMany);
}

TEST(ListCuts, WeightsOnEachSide) {
  TestGraph b;
  b.f32("x");
  b.random("first", {100});
  b.random("shared", {10});
  b.random("last", {1000});
  b.op("c", "Constant", {}, {{"value", zoo::make_tensor<float>({2}, {1.0F, 2.0F})}});
  b.op("folded", "Add", {"shared", "c"});
  b.op("a", "Add", {"x", "first"});
  b.op("b", "Add", {"a", "folded"});
  b.op("d", "Add", {"b", "folded"});
  b.op("y", "Add", {"d", "last"});
  b.outputs({"y"});
  Graph graph = b.build();
  const auto set = [&](const char* name, int64_t dimension) {
    graph.values[graph.ids.at(name)].type = {DType::kF32, std::vector<Dim>{{dimension, false}}};
  };
  set("first", 100);
  set("shared", 10);
  set("last", 1000);
  const CutList list = list_cuts(graph);
  EXPECT_EQ(list.total_weight_bytes, 4U * (100 + 10 + 2 + 1000));
  ASSERT_EQ(list.cuts.size(), 3U);
  const auto expect = [&](size_t i, uint64_t before, uint64_t after) {
    EXPECT_EQ(list.cuts[i].weight_bytes_before, before) << i;
    EXPECT_EQ(list.cuts[i].weight_bytes_after, after) << i;
  };
  expect(0, 400, 4 * (10 + 2 + 1000));
  expect(1, 4 * (100 + 10 + 2), 4 * (10 + 2 + 1000));  // both sides need `folded`
  expect(2, 4 * (100 + 10 + 2), 4000);
}

TEST(ListCuts, BytesAcross) {
  TestGraph b;
  b.f32("x");
  b.op("shape", "Shape", {"x"});
  b.op("a", "Relu", {"x"});
  b.op("i", "ArgMax", {"a"});
  b.op("y", "Everything", {"a", "i", "shape"});
  b.outputs({"y"});
  Graph graph = b.build();
  const auto set = [&](const char* name, DType dtype, std::vector<Dim> dims) {
    graph.values[graph.ids.at(name)].type = {dtype, std::move(dims)};
  };
  set("shape", DType::kI64, {{2, false}});
  set("a", DType::kF32, {{1, true}, {10, false}});
  CutList list = list_cuts(graph);
  ASSERT_EQ(list.cuts.size(), 3U);
  EXPECT_EQ(list.cuts[1].bytes, 40U + 16U);
  EXPECT_EQ(list.cuts[1].bytes_as_fp16, 20U + 16U);
  EXPECT_EQ(list.cuts[2].bytes, std::nullopt);  // the type of `i` is not known
}

}  // namespace
}  // namespace cloister
