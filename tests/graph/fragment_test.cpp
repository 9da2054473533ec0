// Fragments, what edits refuse, and that they are then as they were before.
#include "graph/fragment.h"

#include <limits>

#include "tests/graph/edits.h"

namespace cloister {
namespace {

using namespace test;

class Hostile : public testing::Test {
 protected:
  Hostile() : graph_(network().build()), edit_(edit_of(graph_)) {}

  // Nothing of what was refused is in the model.
  void TearDown() override {
    const Model edited = finished(std::move(edit_));
    EXPECT_EQ(edited.proto->graph().node_size(), 3);
    EXPECT_EQ(edited.proto->graph().initializer_size(), 0);
    expect_same(run(edited), run(graph_.model));
  }

  void wrong(const Fragment& fragment, const std::string& part) {
    expect_error(edit_.insert(id(graph_, "a"), fragment), Kind::kInvalid, part);
    expect_error(edit_.insert(id(graph_, "x"), fragment), Kind::kInvalid, part);
    expect_error(edit_.replace(0, fragment), Kind::kInvalid, part);
  }

  Graph graph_;
  GraphEdit edit_;
};

TEST_F(Hostile, UnknownIds) {
  const auto values = static_cast<ValueId>(graph_.values.size());
  for (const uint32_t unknown : {values, values + 1, kNone}) {
    expect_error(edit_.insert(unknown, single("Neg")), Kind::kInvalid, "no tensor");
    expect_error(edit_.rename(unknown, "n"), Kind::kInvalid, "no tensor");
    expect_error(edit_.add_output(unknown), Kind::kInvalid, "no tensor");
    expect_error(edit_.name(unknown), Kind::kInvalid, "no tensor");
  }
  for (const uint32_t unknown : {3U, 4U, kNone}) {
    expect_error(edit_.replace(unknown, single("Neg")), Kind::kInvalid, "no node");
    expect_error(edit_.label(unknown, "n"), Kind::kInvalid, "no node");
    expect_error(edit_.set_input(unknown, 0, "x"), Kind::kInvalid, "no node");
  }
  for (const int slot : {-1, 1, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    expect_error(edit_.set_input(0, slot, "x"), Kind::kInvalid, "no input");
  }
  expect_error(edit_.set_input(0, 0, "none"), Kind::kInvalid, "no tensor 'none'");
  expect_error(edit_.set_input(0, 0, ""), Kind::kInvalid, "no tensor ''");
}

TEST_F(Hostile, NamesThatAreTaken) {
  expect_error(edit_.rename(id(graph_, "a"), "y"), Kind::kInvalid, "'y' is there already");
  expect_error(edit_.rename(id(graph_, "a"), "x"), Kind::kInvalid, "there already");
  expect_error(edit_.rename(id(graph_, "a"), "a"), Kind::kInvalid, "there already");
  expect_error(edit_.rename(id(graph_, "a"), ""), Kind::kInvalid, "no new name");
  expect_error(edit_.add_output(id(graph_, "y")), Kind::kInvalid, "an output already");
  expect_error(edit_.add_constant("", scalar(1)), Kind::kInvalid, "no name");
}

TEST_F(Hostile, FragmentsThatAreNotWellFormed) {
  wrong({{node("", {"in"}, {"out"})}, {}, {"in"}, {"out"}}, "no operator");
  wrong({{node("Neg", {"other"}, {"out"})}, {}, {"in"}, {"out"}}, "uses 'other'");
  wrong({{node("Neg", {"late"}, {"out"}), node("Neg", {"in"}, {"late"})}, {}, {"in"}, {"out"}},
        "uses 'late'");
  wrong({{node("Neg", {"in"}, {"in"})}, {}, {"in"}, {"in"}}, "there twice");
  wrong({{node("Neg", {"in"}, {"out"}), node("Abs", {"in"}, {"out"})}, {}, {"in"}, {"out"}},
        "there twice");
  wrong({{node("Neg", {"in"}, {"out"})}, {{"in", scalar(1)}}, {"in"}, {"out"}}, "there twice");
  wrong({{node("Neg", {"in"}, {"out"})}, {{"", scalar(1)}}, {"in"}, {"out"}}, "no name");
  wrong({{node("Neg", {"in"}, {"out"})}, {}, {"in"}, {"in"}}, "no node makes output 'in'");
  wrong({{}, {}, {"in"}, {"in"}}, "no node makes output");
  wrong({{node("Neg", {"in"}, {"out"})}, {}, {"in"}, {""}}, "no name");
  wrong({{node("Neg", {"in"}, {"out"})}, {}, {"in"}, {}}, "1 inputs and 0 outputs");
  wrong({{node("Neg", {"in"}, {"out"})}, {}, {"in", "in"}, {"out"}}, "2 inputs");
  onnx::NodeProto custom = node("Neg", {"in"}, {"out"});
  custom.set_domain("com.example");
  wrong({{custom}, {}, {"in"}, {"out"}}, "does not import");
  onnx::NodeProto nested = node("If", {"in"}, {"out"});
  nested.add_attribute()->mutable_g()->set_name("inner");
  expect_error(edit_.insert(id(graph_, "a"), {{nested}, {}, {"in"}, {"out"}}), Kind::kUnsupported,
               "sub-graph");
}

TEST(GraphEdit, ACycleIsFound) {
  TestGraph b;
  b.f32("x");
  test::add_chain(b, "x", {"a", "b", "y"});
  b.outputs({"y"});
  const Graph graph = b.build();
  GraphEdit edit = edit_of(graph);
  ASSERT_TRUE(edit.set_input(graph.values[id(graph, "a")].producer, 0, "b"));
  expect_error(std::move(edit).finish(), Kind::kInvalid, "cycle");
}

TEST(GraphEdit, AnInputThatIsAnOutputHasNoPlaceBetween) {
  TestGraph b;
  b.f32("x");
  b.op("y", "Relu", {"x"});
  b.outputs({"y", "x"});
  const Graph graph = b.build();
  GraphEdit edit = edit_of(graph);
  expect_error(edit.insert(id(graph, "x"), single("Neg")), Kind::kUnsupported, "'x' is an output");
  finished(std::move(edit));
}

// Names that the editor itself would choose are taken, in a sub-graph even.
TEST(GraphEdit, NewNamesAvoidAllThatThereAre) {
  TestGraph inner;
  inner.op("a:before:1", "Identity", {"a"});
  inner.outputs({"a:before:1"});
  TestGraph b;
  b.f32("x");
  b.op("a", "Neg", {"x"});
  b.op("a:before", "Relu", {"a"});
  b.op("yes", "Constant", {}, {{"value", zoo::make_tensor<bool>({}, {true})}});
  const onnx::GraphProto body = test::body_of(inner);
  b.op("y", "If", {"yes"}, {{"then_branch", body}, {"else_branch", body}});
  b.outputs({"y", "a:before"});
  const Graph graph = b.build();
  GraphEdit edit = edit_of(graph);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(edit.insert(id(graph, "a"), affine(1, 0)));
  expect_same(run(finished(std::move(edit))), run(graph.model));
}

TEST(GraphEdit, LargeConstantsLiveApart) {
  TestGraph b;
  b.f32("x", {2, 400});
  b.op("y", "Neg", {"x"});
  b.outputs({"y"});
  const Graph graph = b.build();
  Tensor ones = value_of(Tensor::make(DType::kF32, {400}));
  std::ranges::fill(ones.mutable_as<float>(), 1.0F);
  const Fragment constant{
      {node("Sub", {"in", "in"}, {"zero"}), node("Add", {"zero", "ones"}, {"out"})},
      {{"ones", ones}},
      {"in"},
      {"out"}};
  GraphEdit edit = edit_of(graph);
  ASSERT_TRUE(edit.insert(id(graph, "y"), constant));
  const Model edited = finished(std::move(edit));
  EXPECT_EQ(edited.weights.size(), 1U);
  EXPECT_THAT(floats(run(edited), "y"), testing::Each(1.0F));
}

}  // namespace
}  // namespace cloister
