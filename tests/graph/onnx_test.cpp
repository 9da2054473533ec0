#include "graph/onnx.h"

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::TestGraph;
using testing::ElementsAre;

TEST(Onnx, LabelsAreSafeToPrint) {
  onnx::NodeProto node;
  node.set_op_type("Conv");
  EXPECT_EQ(node_label(node), "Conv ''");
  node.add_output("out\n");
  EXPECT_EQ(node_label(node), "Conv 'out\\x0a'");
  node.set_name("layer1");
  EXPECT_EQ(node_label(node), "Conv 'layer1'");
}

TEST(Onnx, TheStandardDomainHasTwoNames) {
  EXPECT_TRUE(is_onnx_domain(""));
  EXPECT_TRUE(is_onnx_domain("ai.onnx"));
  EXPECT_FALSE(is_onnx_domain("ai.onnx.ml"));
  EXPECT_FALSE(is_onnx_domain("com.microsoft"));
}

TEST(Onnx, UsedNamesIncludeCapturesAtAnyDepth) {
  TestGraph inner;
  inner.op("deep", "Add", {"a", "middle"});  // `middle` belongs to the graph in between
  inner.op("b", "Relu", {"deep"});           // hides an outer `b`
  inner.op("c2", "Add", {"b", "local"});     // `local` is an input of this very graph
  inner.f32("local");
  inner.outputs({"c2", "passed"});
  TestGraph outer;
  outer.op("middle", "Relu", {"d"});
  outer.op("loop", "Loop", {"", "e"}, {{"body", body_of(inner)}});
  outer.op("f", "Relu", {"w"});
  outer.initializer("w", zoo::make_tensor<float>({}, {1.0F}));
  outer.outputs({"f"});
  TestGraph b;
  b.op("y", "If", {"cond", "", "cond"}, {{"then_branch", body_of(outer)}});
  EXPECT_THAT(used_names(b.graph().node(0)), ElementsAre("cond", "d", "e", "a", "passed"));
}

}  // namespace
}  // namespace cloister
