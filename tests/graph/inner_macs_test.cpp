#include "graph/inner_macs.h"

#include "engine/probe.h"
#include "graph/cost.h"
#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::body_of;
using test::TestGraph;
using test::value_of;

std::optional<uint64_t> macs_of(TestGraph& b, const std::string& name) {
  Graph graph = b.build();
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  return node_macs(graph, graph.nodes[graph.find(name)->producer]);
}

// A product with [4,4], captured from outside: 16 for each row.
onnx::GraphProto loop_body() {
  TestGraph body;
  body.input("i", DType::kI64, {});
  body.input("go", DType::kBool, {});
  body.f32("state", {2, 4});
  body.op("go_on", "Identity", {"go"});
  body.op("next", "MatMul", {"state", "w"});
  body.output("go_on", DType::kBool, {});
  body.outputs({"next"});
  return body_of(body);
}

TEST(InnerMacs, OfALoopForEachRound) {
  TestGraph b;
  b.f32("x", {2, 4});
  b.random("w", {4, 4});
  b.initializer("rounds", zoo::make_tensor<int64_t>({}, {5}));
  b.op("y", "Loop", {"rounds", "", "x"}, {{"body", loop_body()}});
  b.outputs({"y"});
  EXPECT_EQ(macs_of(b, "y"), 5 * 2 * 4 * 4);
  TestGraph open;
  open.f32("x", {2, 4});
  open.input("rounds", DType::kI64, {});
  open.random("w", {4, 4});
  open.op("y", "Loop", {"rounds", "", "x"}, {{"body", loop_body()}});
  open.outputs({"y"});
  EXPECT_EQ(macs_of(open, "y"), std::nullopt);
}

TEST(InnerMacs, OfAScanForEachSlice) {
  TestGraph body;
  body.f32("state", {4});
  body.f32("slice", {4});
  body.op("product", "MatMul", {"slice", "w"});
  body.op("next", "Add", {"state", "product"});
  body.op("out", "Relu", {"next"});
  body.outputs({"next", "out"});
  const onnx::GraphProto graph = body_of(body);
  TestGraph b;
  b.f32("start", {4});
  b.f32("x", {7, 4});
  b.random("w", {4, 4});
  b.add({.op = "Scan",
         .inputs = {"start", "x"},
         .attrs = {{"body", graph}, {"num_scan_inputs", 1}},
         .outputs = {"last", "y"}});
  b.outputs({"last", "y"});
  EXPECT_EQ(macs_of(b, "y"), 7 * 4 * 4);
}

TEST(InnerMacs, OfAnIfTheCostlierBranch) {
  const auto branch = [](const std::string& op) {
    TestGraph body;
    body.op("inner", op,
            op == "MatMul" ? std::vector<std::string>{"h", "w"} : std::vector<std::string>{"h"});
    body.outputs({"inner"});
    return body_of(body);
  };
  TestGraph b;
  b.f32("x", {"N", 4});
  b.input("cond", DType::kBool, {});
  b.random("w", {4, 4});
  b.op("h", "Relu", {"x"});
  b.op("y", "If", {"cond"}, {{"then_branch", branch("MatMul")}, {"else_branch", branch("Relu")}});
  b.outputs({"y"});
  EXPECT_EQ(macs_of(b, "y"), 16U);
}

TEST(InnerMacs, AreNoneWhereNothingCounts) {
  TestGraph body;
  body.op("inner", "Relu", {"h"});
  body.outputs({"inner"});
  const onnx::GraphProto graph = body_of(body);
  TestGraph b;
  b.f32("x", {"N", 4});
  b.input("cond", DType::kBool, {});
  b.op("h", "Relu", {"x"});
  b.op("y", "If", {"cond"}, {{"then_branch", graph}, {"else_branch", graph}});
  b.outputs({"y"});
  EXPECT_EQ(macs_of(b, "y"), 0U);
}

}  // namespace
}  // namespace cloister
