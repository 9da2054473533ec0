#include "graph/exposure.h"

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::TestGraph;

// The names of the inputs that `name` carries, joined.
std::string carried(const Graph& graph, const std::string& name) {
  std::string names;
  const std::vector<ValueId> ids = carried_inputs(graph)[graph.ids.at(name)];
  for (const ValueId id : ids) {
    names += (names.empty() ? "" : " ") + graph.values[id].name;
  }
  return names;
}

// What a node that takes input `x` and constants makes of it.
struct ExposureCase {
  const char* op;
  std::vector<std::string> inputs;
  const char* carries;
};

class Carried : public testing::TestWithParam<ExposureCase> {};

TEST_P(Carried, AsTheOperatorSays) {
  TestGraph b;
  b.f32("x");
  b.f32("x2");
  for (const char* name : {"c1", "c2", "c3", "c4"}) b.random(name, {4});
  b.op("h", "Relu", {"x"});
  b.op("noise", "RandomNormalLike", {"c1"});
  b.op("t", GetParam().op, GetParam().inputs);
  b.outputs({"t", "h", "noise"});
  EXPECT_EQ(carried(b.build(), "t"), GetParam().carries);
}

const ExposureCase kExposureCases[] = {
    {"Transpose", {"x"}, "x"},
    {"Reshape", {"x", "c1"}, "x"},
    {"Slice", {"x", "c1", "c2"}, "x"},
    {"Gather", {"x", "c1"}, "x"},
    {"Pad", {"x", "c1"}, "x"},
    {"Cast", {"x"}, "x"},
    {"CastLike", {"x", "c1"}, "x"},
    {"Resize", {"x", "", "c1"}, "x"},
    {"Concat", {"x", "h"}, "x"},
    {"Concat", {"h", "x2"}, "x2"},
    {"Sub", {"x", "c1"}, "x"},
    {"Div", {"x", "c1"}, "x"},
    {"Add", {"c1", "x2"}, "x2"},
    {"BatchNormalization", {"x", "c1", "c2", "c3", "c4"}, "x"},
    {"QuantizeLinear", {"x", "c1", "c2"}, "x"},
    {"Trilu", {"x"}, "x"},
    {"ScatterND", {"x", "c1", "h"}, "x"},
    {"ScatterND", {"c2", "c1", "x"}, "x"},
    {"ScatterElements", {"x", "c1", "x2"}, "x x2"},
    {"Concat", {"x", "x2"}, "x x2"},
    {"DynamicQuantizeLinear", {"x"}, "x"},
    {"Gather", {"c1", "x"}, "x"},  // a table is a substitution cipher
    {"Gather", {"h", "x"}, ""},
    {"Conv", {"x", "c1"}, ""},
    {"MatMul", {"x", "c1"}, ""},
    {"Add", {"x", "h"}, ""},
    {"Add", {"x", "x2"}, ""},
    {"Add", {"x", "noise"}, ""},
    {"Concat", {"h", "c1"}, ""},
    {"Relu", {"x"}, ""},
    {"Shape", {"x"}, ""},
    {"Transpose", {"h"}, ""},
};

INSTANTIATE_TEST_SUITE_P(Exposure, Carried, testing::ValuesIn(kExposureCases));

TEST(CarriedInputs, FocusLayer) {
  // YOLOv5: four slices of the normalised picture, joined.
  TestGraph b;
  b.f32("x");
  b.random("scale", {1});
  b.random("starts", {1});
  b.op("n", "Div", {"x", "scale"});
  std::vector<std::string> parts;
  for (const char* name : {"p0", "p1", "p2", "p3"}) {
    parts.push_back(b.op(name, "Slice", {"n", "starts", "starts"}));
  }
  b.op("focus", "Concat", parts);
  b.op("y", "Conv", {"focus", "scale"});
  b.outputs({"y"});
  const Graph graph = b.build();
  for (const char* name : {"x", "n", "p2", "focus"}) EXPECT_EQ(carried(graph, name), "x") << name;
  EXPECT_EQ(carried(graph, "y"), "");
}

TEST(CarriedInputs, OtherDomainsMayMeanOtherThings) {
  TestGraph b;
  b.f32("x");
  b.op("y", "Transpose", {"x"}, {}, "custom");
  b.op("z", "Transpose", {"x"}, {}, "ai.onnx");
  b.outputs({"y", "z"});
  const Graph graph = b.build();
  EXPECT_EQ(carried(graph, "y"), "");
  EXPECT_EQ(carried(graph, "z"), "x");
}

TEST(ArrangementRoots, AreFollowedToTheEnd) {
  TestGraph b;
  b.f32("x");
  b.random("w", {2, 2});
  b.op("h", "Relu", {"x"});
  b.op("t", "Transpose", {"h"});
  b.op("f", "Flatten", {"t"});
  b.op("s", "Slice", {"f", "w", "w"});  // a part is not the whole
  b.add({.op = "Dropout", .inputs = {"f"}, .outputs = {"d", "mask"}});
  b.op("r", "Reshape", {"w", "h"});  // a constant arranged as data says
  b.outputs({"s", "d", "mask", "r"});
  const Graph graph = b.build();
  const auto roots = arrangement_roots(graph);
  const auto root = [&](const char* name) { return graph.values[roots[graph.ids.at(name)]].name; };
  EXPECT_EQ(root("h"), "h");
  EXPECT_EQ(root("t"), "h");
  EXPECT_EQ(root("f"), "h");
  EXPECT_EQ(root("d"), "h");
  EXPECT_EQ(root("s"), "s");
  EXPECT_EQ(root("mask"), "mask");
  EXPECT_EQ(root("r"), "r");
}

}  // namespace
}  // namespace cloister
