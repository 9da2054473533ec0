// Extracted segments as the engine sees them.
#include <gmock/gmock.h>

#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "engine/run.h"
#include "graph/extract.h"
#include "graph/zoo/builder.h"
#include "tests/engine/small_models.h"

namespace cloister {
namespace {

using test::floats;
using test::values;
using ::testing::ElementsAre;

Graph typed_graph(onnx::ModelProto proto) {
  Graph graph = *build_graph(*make_model(std::move(proto)));
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  return graph;
}

// The programs of the two segments on either side of the cut that `tensor` names.
std::vector<std::unique_ptr<Program>> cut_at(const Graph& graph, const std::string& tensor) {
  const auto cut = find_cut(graph, list_cuts(graph), tensor);
  if (!cut) throw std::runtime_error(cut.error().message);
  const auto segments = split(graph, {*cut});
  if (!segments) throw std::runtime_error(segments.error().message);
  const auto engine = *make_onnxruntime();
  std::vector<std::unique_ptr<Program>> programs;
  for (const Model& segment : *segments) {
    auto program = engine->load(to_segment(segment));
    if (!program) throw std::runtime_error(program.error().message);
    programs.push_back(std::move(*program));
  }
  return programs;
}

TEST(Segments, ATensorThatTheFileDeclaresIsDeclaredOnce) {
  zoo::ModelBuilder builder("declared");
  const auto x = builder.input("x", DType::kF32, {"N", 4});
  const auto h = builder.rename(builder.node("Relu", {x}), "h");
  builder.output(builder.rename(builder.node("Sigmoid", {h}), "y"), DType::kF32, {"N", 4});
  test::declare({"h", DType::kF32, {-1, 4}}, *builder.graph().add_value_info());
  const auto programs = cut_at(typed_graph(builder.finish()), "h");
  EXPECT_THAT(programs[0]->outputs()[0].dims, ElementsAre(-1, 4));
  EXPECT_THAT(programs[1]->inputs()[0].dims, ElementsAre(-1, 4));
  EXPECT_TRUE(run_segments(programs, {{"x", floats({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})}}, {"y"}));
}

// How many elements are not zero shows in a run only, and a run on zeros shows the wrong number.
TEST(Segments, ExtentsThatDependOnValuesAreNotDeclared) {
  zoo::ModelBuilder builder("values");
  const auto x = builder.input("x", DType::kF32, {4});
  const auto h = builder.rename(builder.node("NonZero", {x}), "h");
  builder.output(builder.rename(builder.node("Neg", {h}), "y"), DType::kI64);
  const Graph graph = typed_graph(builder.finish());
  const auto& dims = *graph.find("h")->type.dims;
  ASSERT_EQ(dims.size(), 2u);
  EXPECT_EQ(dims[0].size, 1);
  EXPECT_EQ(dims[1].size, -1);
  const auto programs = cut_at(graph, "h");
  EXPECT_THAT(programs[1]->inputs()[0].dims, ElementsAre(1, -1));
  const auto outputs = run_segments(programs, {{"x", floats({4}, {0, 5, 0, 6})}}, {"y"});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT(values<int64_t>((*outputs)[0].tensor), ElementsAre(-1, -3));
}

}  // namespace
}  // namespace cloister
