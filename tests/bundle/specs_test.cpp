#include "bundle/specs.h"

#include "tests/bundle/sample_bundle.h"

namespace cloister::bundle {
namespace {

using test::value_of;
using testing::HasSubstr;

TEST(Ports, OfAModel) {
  const Graph graph = test::sample_graph();
  EXPECT_EQ(value_of(input_specs(graph)), (std::vector<TensorSpec>{{"x", DType::kF32, {-1, 16}}}));
  EXPECT_EQ(value_of(output_specs(graph)), (std::vector<TensorSpec>{{"y", DType::kF32, {-1, 5}}}));
  EXPECT_EQ(value_of(input_specs(test::sample_graph(1)))[0].dims, (std::vector<int64_t>{1, 16}));
}

TEST(Ports, BatchesAreFirst) {
  const Graph graph = test::sample_graph();
  const CutList list = list_cuts(graph);
  EXPECT_EQ(why_no_batch(graph, {value_of(find_cut(graph, list, "h"))}), std::nullopt);
  EXPECT_THAT(why_no_batch(test::sample_graph(1), {}).value_or(""),
              HasSubstr("'x' is f32[1,16], whose first dimension is not the batch"));
}

TEST(Ports, BatchesThatAreElsewhere) {
  test::TestGraph b;
  b.f32("x", {"N", 4});
  b.op("t", "Transpose", {"x"});
  b.op("r", "Relu", {"t"});
  b.op("u", "Sigmoid", {"r"});
  b.op("y", "Transpose", {"u"});
  b.outputs({"y"});
  Graph graph = b.build();
  ASSERT_TRUE(infer_types(graph, onnxruntime_probe(), {}));
  const CutList list = list_cuts(graph);
  EXPECT_EQ(why_no_batch(graph, {}), std::nullopt);
  EXPECT_THAT(why_no_batch(graph, {value_of(find_cut(graph, list, "r"))}).value_or(""),
              HasSubstr("'r' is f32[4,N]"));
}

}  // namespace
}  // namespace cloister::bundle
