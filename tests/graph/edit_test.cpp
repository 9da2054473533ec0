#include "graph/edit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/probe.h"
#include "graph/extract.h"
#include "graph/types.h"
#include "graph/zoo/zoo.h"
#include "tests/graph/edits.h"

namespace cloister {
namespace {

using namespace test;
using testing::ElementsAre;

constexpr const char* kSmall[] = {"mlp", "cnn1d", "small_cnn", "tiny_transformer"};

// --- insertion

class ZooEdit : public testing::TestWithParam<const char*> {
 protected:
  Model model_ = value_of(zoo_model(GetParam(), 1));
  Graph graph_ = value_of(build_graph(model_));
};

// Weights that come out of a node are not packed ahead, and another kernel rounds otherwise.
constexpr double kRounding = 1e-5;

TEST_P(ZooEdit, IdentityAtEveryTensorChangesNothing) {
  for (const bool weights : {false, true}) {
    GraphEdit edit = edit_of(graph_);
    size_t inserted = 0;
    for (ValueId i = 0; i < graph_.values.size(); ++i) {
      if (graph_.values[i].is_constant && !weights) continue;
      // Twice, so that the second comes behind the first.
      for (int twice = 0; twice < 2; ++twice) {
        const auto done = edit.insert(i, single("Identity"));
        ASSERT_TRUE(done) << graph_.values[i].name << ": " << done.error().message;
        ++inserted;
      }
    }
    const Model edited = finished(std::move(edit));
    EXPECT_EQ(static_cast<size_t>(edited.proto->graph().node_size()),
              graph_.nodes.size() + inserted);
    expect_same(run(edited), run(model_), weights ? kRounding : 0);
  }
}

TEST_P(ZooEdit, IdentityAtAnyOneTensorChangesNothing) {
  const Outputs want = run(model_);
  for (ValueId i = 0; i < graph_.values.size(); ++i) {
    SCOPED_TRACE(graph_.values[i].name);
    GraphEdit edit = edit_of(graph_);
    ASSERT_TRUE(edit.insert(i, single("Identity")));
    expect_same(run(finished(std::move(edit))), want, graph_.values[i].is_constant ? kRounding : 0);
  }
}

// The head up to a cut, extracted, says what the tensors at the cut are.
TEST_P(ZooEdit, OutputsAddedAreTheTensorsAtEveryCut) {
  ASSERT_TRUE(infer_types(graph_, onnxruntime_probe()));
  const auto cuts = list_cuts(graph_).cuts;
  GraphEdit edit = edit_of(graph_);
  for (ValueId i = 0; i < graph_.values.size(); ++i) {
    const Value& value = graph_.values[i];
    if (!value.is_constant && !value.is_input && !value.is_output) {
      ASSERT_TRUE(edit.add_output(i)) << value.name;
    }
  }
  const Model edited = finished(std::move(edit));
  const Outputs all = run(edited);
  for (const auto& output : edited.proto->graph().output()) {
    EXPECT_TRUE(output.has_type()) << output.name();
  }
  for (const Cut& cut : cuts) {
    for (const auto& [name, tensor] : run(value_of(extract(graph_, {0, cut.position})))) {
      expect_same(all.at(name), tensor, name);
    }
  }
  for (const auto& [name, tensor] : run(model_)) expect_same(all.at(name), tensor, name);
}

TEST_P(ZooEdit, EverythingRenamedComputesTheSame) {
  GraphEdit edit = edit_of(graph_);
  for (ValueId i = 0; i < graph_.values.size(); ++i) {
    ASSERT_TRUE(edit.rename(i, fmt::format("renamed {}", i)));
    EXPECT_EQ(edit.name(i), fmt::format("renamed {}", i));
  }
  const Model edited = finished(std::move(edit));
  const Outputs want = run(model_), got = run(edited);
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    expect_same(got.at(fmt::format("renamed {}", id(graph_, name))), tensor, name);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ZooEdit, testing::ValuesIn(kSmall),
                         [](const auto& test) { return std::string(test.param); });

TEST(GraphEdit, WhatIsInsertedActsOnEveryUser) {
  TestGraph b = network();
  const Graph graph = b.build();
  GraphEdit edit = edit_of(graph);
  ASSERT_TRUE(edit.insert(id(graph, "a"), affine(0, 2)));  // a = 2
  ASSERT_TRUE(edit.insert(id(graph, "a"), affine(3, 1)));  // a = 7: the second sees the first
  const Outputs got = run(finished(std::move(edit)));
  EXPECT_THAT(floats(got, "a"), testing::Each(7.0F));
  EXPECT_THAT(floats(got, "y"), testing::Each(7.0F));
  EXPECT_THAT(floats(got, "e"), testing::Each(std::tanh(7.0F)));
}

TEST(GraphEdit, InputsKeepTheirNames) {
  TestGraph b = network();
  const Graph graph = b.build();
  GraphEdit edit = edit_of(graph);
  ASSERT_TRUE(edit.insert(id(graph, "x"), affine(0, -5)));
  ASSERT_TRUE(edit.insert(id(graph, "x"), affine(2, 0)));
  const Model edited = finished(std::move(edit));
  EXPECT_EQ(edited.proto->graph().input_size(), 1);
  EXPECT_EQ(edited.proto->graph().input(0).name(), "x");
  EXPECT_THAT(floats(run(edited), "a"), testing::Each(10.0F));
}

TEST(GraphEdit, WeightsAreTensorsLikeOthers) {
  TestGraph b;
  b.f32("x", {2, 400});
  b.random("w", {400});
  b.op("y", "Mul", {"x", "w"});
  b.outputs({"y"});
  const Graph graph = b.build();
  ASSERT_EQ(graph.model.weights.size(), 1U);
  GraphEdit edit = edit_of(graph);
  ASSERT_TRUE(edit.insert(id(graph, "w"), affine(0, 0)));
  ASSERT_TRUE(edit.rename(id(graph, "x"), "renamed"));
  EXPECT_THAT(floats(run(finished(std::move(edit))), "y"), testing::Each(0.0F));
}

// A sub-graph captures `a`; another has an `a` of its own, which is not meant.
TEST(GraphEdit, SubgraphsSeeIt) {
  const auto branch = [](bool own) {
    TestGraph b;
    if (own) {
      b.op("a", "Constant", {}, {{"value", zoo::make_tensor<float>({1, 4}, {1, 1, 1, 1})}});
    }
    b.op("r", "Identity", {"a"});
    b.outputs({"r"});
    return test::body_of(b);
  };
  TestGraph b;
  b.f32("x");
  b.op("a", "Neg", {"x"});
  b.op("yes", "Constant", {}, {{"value", zoo::make_tensor<bool>({}, {true})}});
  b.op("y", "If", {"yes"}, {{"then_branch", branch(false)}, {"else_branch", branch(true)}});
  b.outputs({"y"});
  const Graph graph = b.build();
  for (const char* at : {"a", "x"}) {
    GraphEdit edit = edit_of(graph);
    ASSERT_TRUE(edit.insert(id(graph, at), affine(0, 3)));
    ASSERT_TRUE(edit.rename(id(graph, "a"), "renamed"));
    const Model edited = finished(std::move(edit));
    EXPECT_THAT(floats(run(edited), "y"), testing::Each(std::string(at) == "a" ? 3.0F : -3.0F));
    for (const auto& node : edited.proto->graph().node()) {
      if (node.op_type() != "If") continue;
      for (const auto& attribute : node.attribute()) {
        const auto& last = *attribute.g().node().rbegin();
        EXPECT_EQ(last.input(0), attribute.name() == "then_branch" ? "renamed" : "a");
      }
    }
  }
}

// --- replacement

TEST(GraphEdit, ReluByClipIsTheSame) {
  const Model model = value_of(zoo_model("small_cnn", 1));
  const Graph graph = value_of(build_graph(model));
  const Fragment clip{
      {node("Clip", {"in", "zero"}, {"between"}), node("Identity", {"between"}, {"out"})},
      {{"zero", scalar(0)}},
      {"in"},
      {"out"}};
  GraphEdit edit = edit_of(graph);
  size_t replaced = 0;
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].proto->op_type() != "Relu") continue;
    ASSERT_TRUE(edit.replace(i, clip));
    expect_error(edit.replace(i, clip), Kind::kInvalid, "was replaced");
    expect_error(edit.label(i, "label"), Kind::kInvalid, "was replaced");
    ++replaced;
  }
  ASSERT_GT(replaced, 0U);
  const Model edited = finished(std::move(edit));
  for (const auto& left : edited.proto->graph().node()) EXPECT_NE(left.op_type(), "Relu");
  expect_same(run(edited), run(model));
}

TEST(GraphEdit, OptionalInputsAndOutputsStayOut) {
  TestGraph b;
  b.f32("x", {2, 3});
  b.add({.op = "Dropout", .inputs = {"x", "", ""}, .name = "d", .outputs = {"v", ""}});
  b.add({.op = "Clip", .inputs = {"v", "", ""}, .name = "c", .outputs = {"y"}});
  b.outputs({"y"});
  const Graph graph = b.build();
  const Outputs want = run(graph.model);
  GraphEdit edit = edit_of(graph);
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    const bool clip = graph.nodes[i].proto->op_type() == "Clip";
    const Fragment fragment =
        clip
            ? Fragment{{node("Clip", {"v", "low"}, {"out"})}, {}, {"v", "low"}, {"out"}}
            : Fragment{{node("Dropout", {"a", "b"}, {"v", "mask"})}, {}, {"a", "b"}, {"v", "mask"}};
    ASSERT_TRUE(edit.replace(i, fragment));
  }
  expect_same(run(finished(std::move(edit))), want);
}

TEST(GraphEdit, OtherTypesAreInferredAgain) {
  TestGraph b;
  b.f32("x", {2, 3});
  b.op("a", "Neg", {"x"});
  b.op("b", "Exp", {"a"});
  b.op("y", "Abs", {"b"});
  b.output("y", DType::kF32, {2, 3});
  for (const char* name : {"a", "b"}) {
    auto& declared = *b.graph().add_value_info();
    declared.set_name(name);
    declared.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  const Graph graph = b.build();
  onnx::NodeProto cast = node("Cast", {"in"}, {"out"});
  auto& to = *cast.add_attribute();
  to.set_name("to");
  to.set_type(onnx::AttributeProto::INT);
  to.set_i(onnx::TensorProto::DOUBLE);
  GraphEdit edit = edit_of(graph);
  ASSERT_TRUE(edit.insert(id(graph, "a"), {{cast}, {}, {"in"}, {"out"}, false}));
  ASSERT_TRUE(edit.add_output(id(graph, "b")));
  const Model edited = finished(std::move(edit));
  EXPECT_TRUE(edited.proto->graph().value_info().empty());
  const Outputs outputs = run(edited);
  EXPECT_EQ(outputs.at("y").dtype(), DType::kF64);
  EXPECT_EQ(outputs.at("b").dtype(), DType::kF64);
}

// --- slots

TEST(GraphEdit, AnInputOfANodeIsAnotherTensor) {
  TestGraph b = network();
  const Graph graph = b.build();
  GraphEdit edit = edit_of(graph);
  const std::array<float, 6> values = {1, 2, 3, 4, 5, 6};
  const Tensor constant =
      value_of(Tensor::copy_of(DType::kF32, {2, 3}, std::as_bytes(std::span(values))));
  // The name is taken, so it gets another.
  const std::string name = value_of(edit.add_constant("a", constant));
  EXPECT_NE(name, "a");
  ASSERT_TRUE(edit.set_input(graph.values[id(graph, "y")].producer, 0, name));
  ASSERT_TRUE(edit.label(graph.values[id(graph, "y")].producer, "the label"));
  const Model edited = finished(std::move(edit));
  const Outputs got = run(edited);
  EXPECT_THAT(floats(got, "y"), ElementsAre(1, 2, 3, 4, 5, 6));
  expect_same(got.at("e"), run(graph.model).at("e"), "e");
  EXPECT_TRUE(std::ranges::any_of(edited.proto->graph().node(),
                                  [](const auto& n) { return n.name() == "the label"; }));
}

// --- values of initializers

TEST(WithInitializers, SmallAndLargeOnes) {
  TestGraph b;
  b.f32("x", {2, 400});
  b.random("large", {400});
  b.random("small", {1});
  b.op("a", "Mul", {"x", "large"});
  b.op("y", "Add", {"a", "small"});
  b.outputs({"y"});
  const Model model = value_of(b.model());
  const Tensor zeros = value_of(Tensor::make(DType::kF32, {400}));
  Tensor five = value_of(Tensor::make(DType::kF32, {1}));
  five.mutable_as<float>()[0] = 5;
  const Model changed = value_of(with_initializers(model, {{"large", zeros}, {"small", five}}));
  EXPECT_THAT(floats(run(changed), "y"), testing::Each(5.0F));
  expect_same(run(value_of(with_initializers(model, {}))), run(model));
  expect_error(with_initializers(model, {{"none", five}}), Kind::kInvalid,
               "the model has no initializer 'none'");
  expect_error(with_initializers(model, {{"large", five}}), Kind::kInvalid,
               "initializer 'large': got f32[1]");
  const Tensor halves = value_of(Tensor::make(DType::kF16, {400}));
  expect_error(with_initializers(model, {{"large", halves}}), Kind::kInvalid, "got f16[400]");
}

}  // namespace
}  // namespace cloister
