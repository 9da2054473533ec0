#include "graph/zoo/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/zoo/layers.h"

namespace cloister::zoo {
namespace {

using ::testing::ElementsAre;

TEST(Builder, ASmallModel) {
  ModelBuilder b("small", 3);
  b.opset("com.microsoft", 1);
  b.opset("", 15);
  const auto x = b.input("x", DType::kF32, {"N", 4});
  const auto w = b.random("w", {8, 4});
  const auto y = b.node("Gemm", {x, w}, {{"transB", 1}});
  const auto z = b.node("Gelu", {y});
  b.output(z, DType::kF32, {"N", 8});
  b.output(y, DType::kF16);
  b.output(y, DType::kF16, {});
  const onnx::ModelProto model = b.finish();

  EXPECT_EQ(model.ir_version(), 8);
  ASSERT_EQ(model.opset_import_size(), 2);
  EXPECT_EQ(model.opset_import(0).version(), 15);
  EXPECT_EQ(model.opset_import(1).domain(), "com.microsoft");
  const onnx::GraphProto& graph = model.graph();
  EXPECT_EQ(graph.name(), "small");
  EXPECT_EQ(graph.input(0).name(), "x");
  const auto& type = graph.input(0).type().tensor_type();
  EXPECT_EQ(type.elem_type(), onnx::TensorProto::FLOAT);
  EXPECT_EQ(type.shape().dim(0).dim_param(), "N");
  EXPECT_EQ(type.shape().dim(1).dim_value(), 4);
  EXPECT_EQ(graph.initializer(0).name(), "w");
  EXPECT_THAT(graph.initializer(0).dims(), ElementsAre(8, 4));
  EXPECT_EQ(graph.initializer(0).raw_data(), uniform_f32(RandomStream(3, "w"), 8 * 4, {}));
  EXPECT_THAT(graph.node(0).input(), ElementsAre("x", "w"));
  EXPECT_THAT(graph.node(0).output(), ElementsAre("/Gemm_output_0"));
  EXPECT_EQ(graph.node(1).name(), "/Gelu");
  EXPECT_EQ(graph.output(0).name(), "/Gelu_output_0");
  EXPECT_EQ(graph.output(1).type().tensor_type().elem_type(), onnx::TensorProto::FLOAT16);
  EXPECT_FALSE(graph.output(1).type().tensor_type().has_shape());
  EXPECT_TRUE(graph.output(2).type().tensor_type().has_shape());
  EXPECT_EQ(graph.output(2).type().tensor_type().shape().dim_size(), 0);
}

TEST(Builder, EveryKindOfAttribute) {
  ModelBuilder inner("inner");
  inner.node("Relu", {"x"});
  const std::vector<Attr> attrs = {{"i", 3},
                                   {"f", 0.5},
                                   {"s", "text"},
                                   {"is", {0, 0}},
                                   {"one", {7}},
                                   {"fs", std::vector<float>{0.5f}},
                                   {"t", make_tensor<int64_t>({2}, {5, -6})},
                                   {"g", inner.graph()}};
  using A = onnx::AttributeProto;
  std::vector<A::AttributeType> types;
  for (const Attr& attr : attrs) types.push_back(attr.proto().type());
  EXPECT_THAT(types, ElementsAre(A::INT, A::FLOAT, A::STRING, A::INTS, A::INTS, A::FLOATS,
                                 A::TENSOR, A::GRAPH));
  EXPECT_EQ(attrs[0].proto().name(), "i");
  EXPECT_EQ(attrs[0].proto().i(), 3);
  EXPECT_EQ(attrs[1].proto().f(), 0.5f);
  EXPECT_EQ(attrs[2].proto().s(), "text");
  EXPECT_THAT(attrs[3].proto().ints(), ElementsAre(0, 0));
  EXPECT_THAT(attrs[4].proto().ints(), ElementsAre(7));
  EXPECT_THAT(attrs[5].proto().floats(), ElementsAre(0.5f));
  EXPECT_EQ(attrs[6].proto().t().data_type(), onnx::TensorProto::INT64);
  EXPECT_EQ(attrs[6].proto().t().raw_data(), std::string("\5\0\0\0\0\0\0\0\xFA\xFF\xFF\xFF"
                                                         "\xFF\xFF\xFF\xFF",
                                                         16));
  EXPECT_EQ(attrs[7].proto().g().node(0).op_type(), "Relu");
}

TEST(Builder, NamesAreUniqueUnlessGiven) {
  ModelBuilder b("names");
  EXPECT_EQ(b.node("Relu", {"x"}), "/Relu_output_0");
  EXPECT_EQ(b.node("Relu", {"x"}), "/Relu_1_output_0");
  EXPECT_THAT(b.add({.op = "Split", .inputs = {"x"}, .output_count = 2}),
              ElementsAre("/Split_output_0", "/Split_output_1"));
  EXPECT_THAT(b.add({.op = "Foo", .name = "n", .outputs = {"a", "b"}, .domain = "d"}),
              ElementsAre("a", "b"));
  EXPECT_EQ(b.graph().node(3).name(), "n");
  EXPECT_EQ(b.graph().node(3).domain(), "d");
  b.node("Bar", {"b", "", "b"});
  EXPECT_EQ(b.rename("b", "c"), "c");
  EXPECT_THAT(b.graph().node(3).output(), ElementsAre("a", "c"));
  EXPECT_THAT(b.graph().node(4).input(), ElementsAre("c", "", "c"));
}

TEST(Builder, ModulesAreNamedAsByTheExporter) {
  ModelBuilder b("modules");
  const Module conv = Module(b) / "features" / 1 / "conv" / 0 / 0;
  EXPECT_EQ(conv.node("Conv", {"x"}), "/features/features.1/conv/conv.0/conv.0.0/Conv_output_0");
  EXPECT_EQ(conv.weight("weight", {1}, {}), "features.1.conv.0.0.weight");
  EXPECT_EQ(Module(b).node("Flatten", {"x"}), "/Flatten_output_0");
}

}  // namespace
}  // namespace cloister::zoo
