#include "graph/dynamic_batch.h"

#include <cstring>

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::expect_error;
using test::TestGraph;
using test::value_of;

// x [1,2,4] -> Reshape to `target` -> y
TestGraph reshape(const std::vector<int64_t>& target) {
  TestGraph b;
  b.f32("x", {1, 2, 4});
  b.ints("target", target);
  b.op("y", "Reshape", {"x", "target"});
  b.output("y", DType::kF32, {1, 8});
  return b;
}

// What the Reshape of the model goes to after the change.
std::vector<int64_t> target_of(TestGraph b) {
  const Model model = value_of(make_batch_symbolic(b.build()));
  const auto& graph = model.proto->graph();
  EXPECT_EQ(graph.input(0).type().tensor_type().shape().dim(0).dim_param(), kBatchSymbol);
  for (const auto& tensor : graph.initializer()) {
    if (tensor.name() != graph.node(graph.node_size() - 1).input(1)) continue;
    std::vector<int64_t> dimensions(tensor.raw_data().size() / sizeof(int64_t));
    std::memcpy(dimensions.data(), tensor.raw_data().data(), tensor.raw_data().size());
    return dimensions;
  }
  return {};
}

TEST(MakeBatchSymbolic, ReshapesFollow) {
  EXPECT_EQ(target_of(reshape({1, 8})), (std::vector<int64_t>{-1, 8}));
  EXPECT_EQ(target_of(reshape({1, -1})), (std::vector<int64_t>{0, -1}));
  EXPECT_EQ(target_of(reshape({8})), (std::vector<int64_t>{8}));
  EXPECT_EQ(target_of(reshape({-1, 4})), (std::vector<int64_t>{-1, 4}));
}

TEST(MakeBatchSymbolic, OnlyConstantsAreRead) {
  // The value of ConstantOfShape is not its result.
  TestGraph b;
  b.f32("x", {1, 1});
  b.ints("three", {3});
  b.op("target", "ConstantOfShape", {"three"}, {{"value", zoo::make_tensor<int64_t>({1}, {1})}});
  b.op("y", "Reshape", {"x", "target"});
  b.output("y", DType::kF32, {1, 1, 1});
  EXPECT_EQ(target_of(std::move(b)), std::vector<int64_t>{});
}

TEST(MakeBatchSymbolic, EveryInputNeedsABatchOfOne) {
  TestGraph b;
  b.f32("x", {1, 4});
  b.f32("x2", {2, 4});
  b.op("y", "Add", {"x", "x2"});
  b.outputs({"y"});
  expect_error(make_batch_symbolic(b.build()), Kind::kUnsupported,
               "input 'x2' has no first dimension of 1");
}

}  // namespace
}  // namespace cloister
