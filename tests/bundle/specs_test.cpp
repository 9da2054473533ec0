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

TEST(Bounds, AreReadFromText) {
  const DimBound bound = value_of(parse_dim_bound("a[0]=b[1]=512"));
  EXPECT_EQ(bound.input, "a[0]=b");
  EXPECT_EQ(bound.axis, 1U);
  EXPECT_EQ(bound.most, 512);
  for (const char* text : {"", "x=5", "[1]=5", "x[1]", "x[]=5", "x[1]=", "x[1]=0", "x[-1]=5",
                           "x[1]=-5", "x[1]=5x", "x[1]=99999999999999999999"}) {
    test::expect_error(parse_dim_bound(text), Kind::kInvalid, "want INPUT[AXIS]=N");
  }
}

TEST(Bounds, EveryFreeDimensionHasOne) {
  const std::vector<TensorSpec> specs = {{"x", DType::kI64, {-1, -1, 4}}, {"n", DType::kI64, {-1}}};
  std::vector<TensorSpec> inputs = specs;
  EXPECT_TRUE(set_bounds({{"x", 1, 77}}, 1024, 8, inputs));
  EXPECT_EQ(inputs[0].most, (std::vector<int64_t>{-1, 77, -1}));
  EXPECT_TRUE(inputs[1].most.empty()) << "a batch";
  inputs = specs;
  EXPECT_TRUE(set_bounds({{"x", 0, 7}}, 1024, 1, inputs));
  EXPECT_EQ(inputs[0].most, (std::vector<int64_t>{7, 1024, -1}));
  EXPECT_EQ(inputs[1].most, (std::vector<int64_t>{1024}));
}

TEST(Bounds, BoundWhatIsFree) {
  const auto refuse = [](const std::vector<DimBound>& bounds, const std::string& why) {
    std::vector<TensorSpec> inputs = {{"x", DType::kI64, {-1, -1, 4}}};
    test::expect_error(set_bounds(bounds, 1024, 8, inputs), Kind::kInvalid, why);
  };
  refuse({{"y", 1, 7}}, "'y[1]': no such input; the model has 'x'");
  refuse({{"x", 2, 7}}, "'x[2]' is not free: the input is i64[?,?,4]");
  refuse({{"x", 3, 7}}, "'x[3]' is not free");
  refuse({{"x", 0, 7}}, "'x[0]' is the batch, which has a bound of its own: 8");
  refuse({{"x", 1, 7}, {"x", 1, 8}}, "'x[1]' has two bounds");
}

}  // namespace
}  // namespace cloister::bundle
