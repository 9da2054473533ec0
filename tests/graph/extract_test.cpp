#include "graph/extract.h"

#include <algorithm>
#include <set>

#include "graph/types.h"
#include "graph/validate.h"
#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::expect_error;
using test::TestGraph;
using test::value_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Every value an f32 [1,4]: what inference would say of the graphs here.
Graph typed_graph(TestGraph& b) {
  Graph graph = b.build();
  for (Value& value : graph.values) value.type = {DType::kF32, {{{1, true}, {4, false}}}};
  graph.batch_symbols = {"N"};
  return graph;
}

template <typename Infos>
std::vector<std::string> names(const Infos& infos) {
  std::vector<std::string> out;
  for (const auto& info : infos) out.push_back(info.name());
  return out;
}

std::vector<std::string> outputs_of_nodes(const onnx::GraphProto& graph) {
  std::vector<std::string> out;
  for (const auto& node : graph.node())
    out.insert(out.end(), node.output().begin(), node.output().end());
  return out;
}

// x -> a -> b -> c -> y, with an early output e of a, and weights on both sides.
TestGraph branching_network() {
  TestGraph b;
  b.f32("x", {"N", 4});
  b.random("w_a", {400});
  b.random("w_both", {300});
  b.random("w_c", {500});
  b.random("small", {4});
  b.op("k", "Constant", {}, {{"value_float", 2.0}});
  b.op("folded", "Mul", {"small", "k"});
  b.op("a", "Sum", {"x", "w_a", "w_both", "folded"});
  b.op("e", "Relu", {"a"});
  b.op("b", "Tanh", {"a"});
  b.op("c", "Sum", {"b", "w_c", "w_both"});
  b.op("y", "Add", {"c", "folded"});
  b.outputs({"y", "e"});
  return b;
}

TEST(Extract, TakesWhatEachSideNeeds) {
  TestGraph b = branching_network();
  const Graph graph = typed_graph(b);
  const auto segments = value_of(split(graph, {list_cuts(graph).cuts[1]}));
  ASSERT_EQ(segments.size(), 2U);
  const auto& head = segments[0].proto->graph();
  EXPECT_THAT(names(head.input()), ElementsAre("x"));
  EXPECT_THAT(names(head.output()), UnorderedElementsAre("e", "b"));
  EXPECT_THAT(outputs_of_nodes(head), ElementsAre("k", "folded", "a", "e", "b"));
  EXPECT_THAT(names(head.initializer()), UnorderedElementsAre("w_a", "w_both", "small"));
  EXPECT_EQ(segments[0].weights.size(), 2U);
  const auto& body = segments[1].proto->graph();
  EXPECT_THAT(names(body.input()), ElementsAre("b"));
  EXPECT_THAT(names(body.output()), ElementsAre("y"));
  EXPECT_THAT(outputs_of_nodes(body), ElementsAre("k", "folded", "c", "y"));
  EXPECT_THAT(names(body.initializer()), UnorderedElementsAre("w_c", "w_both", "small"));
  EXPECT_EQ(segments[1].weights.size(), 2U);
  // One memory for both.
  EXPECT_EQ(segments[0].weights.at("w_both").data().data(),
            segments[1].weights.at("w_both").data().data());
  for (const Model& segment : segments) EXPECT_TRUE(validate(*segment.proto));
}

TEST(Extract, BordersAreDeclaredOnce) {
  // The file says something of the tensor that crosses, too.
  TestGraph b = branching_network();
  auto& info = *b.graph().add_value_info();
  info.set_name("b");
  info.set_doc_string("the middle");
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(1);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  type.mutable_shape()->add_dim();
  const Graph graph = typed_graph(b);
  const auto segments = value_of(split(graph, {list_cuts(graph).cuts[1]}));
  const auto& crossing = segments[1].proto->graph().input(0);
  EXPECT_EQ(crossing.doc_string(), "the middle");
  ASSERT_EQ(crossing.type().tensor_type().shape().dim_size(), 2);
  EXPECT_EQ(crossing.type().tensor_type().shape().dim(0).dim_param(), "N");
  EXPECT_EQ(crossing.type().tensor_type().shape().dim(1).dim_value(), 4);
  EXPECT_EQ(crossing.type().tensor_type().elem_type(), 1);
}

TEST(Extract, UnknownExtentsStayOpen) {
  TestGraph b = branching_network();
  Graph graph = typed_graph(b);
  auto& type = graph.values[graph.ids.at("b")].type;
  type.dims = {{{-1, false}, {2, true}, {7, false}}};
  const auto declared = [&] {
    return value_of(extract(graph, {3, 5})).proto->graph().input(0).type().tensor_type();
  };
  ASSERT_EQ(declared().shape().dim_size(), 3);
  EXPECT_FALSE(declared().shape().dim(0).has_dim_value());
  EXPECT_FALSE(declared().shape().dim(1).has_dim_value());
  EXPECT_EQ(declared().shape().dim(2).dim_value(), 7);
  type.dims.reset();
  EXPECT_FALSE(declared().has_shape());
  type.dtype.reset();
  expect_error(extract(graph, {3, 5}), Kind::kUnsupported, "the type of 'b' is not known");
}

TEST(Extract, KeepsWhatTheModelSaysOfItself) {
  TestGraph b = branching_network();
  b.opset("custom", 3);
  onnx::ModelProto proto = b.finish();
  proto.set_ir_version(9);
  proto.set_producer_name("somebody");
  proto.add_metadata_props()->set_key("key");
  auto& function = *proto.add_functions();
  function.set_name("F");
  function.set_domain("custom");
  proto.mutable_unknown_fields()->AddVarint(120, 1);
  proto.mutable_graph()->mutable_unknown_fields()->AddVarint(16, 1);
  proto.mutable_graph()->mutable_node(2)->mutable_unknown_fields()->AddVarint(9, 1);
  proto.mutable_graph()->add_quantization_annotation()->set_tensor_name("a");
  proto.mutable_graph()->add_quantization_annotation()->set_tensor_name("c");
  Graph graph = value_of(build_graph(value_of(make_model(proto))));
  for (Value& value : graph.values) value.type.dtype = DType::kF32;
  for (const Model& segment : value_of(split(graph, {list_cuts(graph).cuts[1]}))) {
    const auto& out = *segment.proto;
    EXPECT_EQ(out.ir_version(), 9);
    EXPECT_EQ(out.producer_name(), "somebody");
    EXPECT_EQ(out.opset_import_size(), 2);
    EXPECT_EQ(out.metadata_props_size(), 1);
    EXPECT_EQ(out.functions_size(), 1);
    EXPECT_EQ(out.unknown_fields().field_count(), 1);
    EXPECT_EQ(out.graph().unknown_fields().field_count(), 1);
    EXPECT_EQ(out.graph().name(), "test");
    EXPECT_EQ(out.graph().quantization_annotation_size(), 1);
  }
  const auto head = value_of(extract(graph, {0, 2}));
  EXPECT_EQ(head.proto->graph().node(2).unknown_fields().field_count(), 1);
}

TEST(Extract, TheWholeKeepsAllInputs) {
  TestGraph b;
  b.f32("x");
  b.f32("unused");
  b.f32("defaulted");
  b.random("defaulted", {1, 4});
  b.f32("dead_default");  // before IR 4 every weight is an input, also one that nothing needs
  b.random("dead_default", {1000});
  b.random("w", {4});
  b.op("y", "Sum", {"x", "defaulted", "w"});
  b.op("dead", "Add", {"x", "dead_default"});
  b.outputs({"y", "x", "w"});
  const Graph graph = typed_graph(b);
  const Model whole = value_of(extract_whole(graph));
  const auto& out = whole.proto->graph();
  EXPECT_TRUE(validate(*whole.proto));
  EXPECT_THAT(names(out.input()), ElementsAre("x", "unused", "defaulted"));
  EXPECT_THAT(names(out.output()), ElementsAre("y", "x", "w"));
  EXPECT_THAT(names(out.initializer()), ElementsAre("defaulted", "w"));
  EXPECT_THAT(outputs_of_nodes(out), ElementsAre("y"));
  EXPECT_THAT(whole.weights, IsEmpty());
}

TEST(Extract, OutputsThatNeedNoInputComeFromTheHead) {
  TestGraph b;
  b.f32("x");
  b.random("w", {4});
  b.op("k", "Relu", {"w"});
  b.op("a", "Relu", {"x"});
  b.op("y", "Relu", {"a"});
  b.outputs({"k", "w", "y"});
  const Graph graph = typed_graph(b);
  const auto segments = value_of(split(graph, {list_cuts(graph).cuts[0]}));
  EXPECT_THAT(names(segments[0].proto->graph().output()), ElementsAre("k", "w", "a"));
  EXPECT_THAT(names(segments[1].proto->graph().output()), ElementsAre("y"));
  EXPECT_THAT(names(segments[1].proto->graph().initializer()), IsEmpty());
}

TEST(Extract, SparseInitializersGoAlong) {
  TestGraph b;
  b.f32("x");
  auto& sparse = *b.graph().add_sparse_initializer();
  *sparse.mutable_values() = zoo::make_tensor<float>({1}, {1.0F});
  sparse.mutable_values()->set_name("s");
  *sparse.mutable_indices() = zoo::make_tensor<int64_t>({1}, {2});
  sparse.add_dims(4);
  b.op("a", "Relu", {"x"});
  b.op("y", "Add", {"a", "s"});
  b.outputs({"y"});
  const Graph graph = typed_graph(b);
  EXPECT_TRUE(graph.find("s")->is_constant);
  const auto segments = value_of(split(graph, {list_cuts(graph).cuts[0]}));
  EXPECT_EQ(segments[0].proto->graph().sparse_initializer_size(), 0);
  EXPECT_EQ(segments[1].proto->graph().sparse_initializer_size(), 1);
}

TEST(Split, InOrderOnly) {
  TestGraph b = branching_network();
  const Graph graph = typed_graph(b);
  const CutList list = list_cuts(graph);
  ASSERT_GE(list.cuts.size(), 3U);
  EXPECT_EQ(value_of(split(graph, {})).size(), 1U);
  EXPECT_EQ(value_of(split(graph, {list.cuts[0], list.cuts[2]})).size(), 3U);
  expect_error(split(graph, {list.cuts[2], list.cuts[0]}), Kind::kUsage,
               "cut " + list.cuts[0].id + " is not deeper than " + list.cuts[2].id);
  expect_error(split(graph, {list.cuts[1], list.cuts[1]}), Kind::kUsage, "is not deeper than");
  // A cut of another model may lie anywhere.
  Cut beyond = list.cuts[0];
  for (const size_t position : {size_t{0}, graph.data_nodes(), graph.data_nodes() + 7}) {
    beyond.position = position;
    EXPECT_FALSE(split(graph, {beyond})) << position;
  }
  expect_error(extract(graph, {2, 1}), Kind::kInternal, "segment [2, 1)");
}

}  // namespace
}  // namespace cloister
