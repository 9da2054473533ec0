#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "engine/run.h"
#include "graph/extract.h"
#include "graph/types.h"
#include "graph/validate.h"
#include "tests/support/graphs.h"
#include "tests/support/random_dag.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::names_of;
using test::TestGraph;
using test::value_of;

Tensor random_tensor(uint32_t seed, const Shape& shape) {
  std::mt19937 random(seed);
  Tensor tensor = value_of(Tensor::make(DType::kF32, shape));
  for (float& value : tensor.mutable_as<float>()) {
    value = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
  }
  return tensor;
}

Tensor flag(bool value) {
  Tensor tensor = value_of(Tensor::make(DType::kBool, {}));
  tensor.mutable_as<bool>()[0] = value;
  return tensor;
}

// A random model, what it gives, and its segments' runs.
class Splitting {
 public:
  explicit Splitting(uint32_t seed)
      : engine_(value_of(make_onnxruntime({.optimize = false}))),
        graph_(value_of(build_graph(
            value_of(make_model(test::RandomDag(seed).make(4 + static_cast<int>(seed) % 20)))))) {
    if (auto typed = infer_types(graph_, onnxruntime_probe()); !typed) {
      throw std::runtime_error(typed.error().message);
    }
    inputs_ = {{"x", random_tensor(seed, {2, 16})},
               {"x2", random_tensor(seed + 1, {2, 16})},
               {"cond", flag(seed % 2 == 0)}};
    std::erase_if(inputs_, [&](const NamedTensor& t) { return graph_.find(t.name) == nullptr; });
    whole_ = run({graph_.model});
  }

  const Graph& graph() const { return graph_; }

  std::vector<NamedTensor> run(const std::vector<Model>& segments) {
    std::vector<std::unique_ptr<Program>> programs;
    for (const Model& segment : segments) {
      programs.push_back(value_of(engine_->load(to_segment(segment))));
    }
    return value_of(run_segments(programs, inputs_, names_of(graph_, graph_.outputs)));
  }

  // The segments are valid, hold only what they need, and give what the whole gives, bit for bit.
  void expect_same(const std::vector<Cut>& cuts) {
    const auto segments = value_of(split(graph_, cuts));
    for (const Model& segment : segments) {
      const auto valid = validate(*segment.proto);
      EXPECT_TRUE(valid) << valid.error().message;
      std::set<std::string> used;
      for (const auto& node : segment.proto->graph().node()) {
        for (const std::string& name : used_names(node)) used.insert(name);
      }
      for (const auto& output : segment.proto->graph().output()) used.insert(output.name());
      for (const auto& tensor : segment.proto->graph().initializer()) {
        EXPECT_TRUE(used.contains(tensor.name())) << tensor.name();
      }
      for (const auto& [name, _] : segment.weights) EXPECT_TRUE(used.contains(name)) << name;
    }
    expect_equal(run(segments));
  }

  void expect_equal(const std::vector<NamedTensor>& outputs) {
    ASSERT_EQ(outputs.size(), whole_.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(outputs[i].tensor.shape(), whole_[i].tensor.shape());
      EXPECT_TRUE(std::ranges::equal(outputs[i].tensor.data(), whole_[i].tensor.data()))
          << outputs[i].name;
    }
  }

 private:
  std::unique_ptr<Engine> engine_;
  Graph graph_;
  std::vector<NamedTensor> inputs_;
  std::vector<NamedTensor> whole_;
};

TEST(RunSegments, EveryCutOfRandomGraphsGivesTheSame) {
  size_t cuts = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Splitting splitting(seed);
    splitting.expect_equal(splitting.run({value_of(extract_whole(splitting.graph()))}));
    const CutList list = list_cuts(splitting.graph(), {.max_tensors = 64});
    EXPECT_EQ(list.too_wide, 0U);
    for (const Cut& cut : list.cuts) {
      SCOPED_TRACE(testing::PrintToString(names_of(splitting.graph(), cut.tensors)));
      splitting.expect_same({cut});
      ++cuts;
    }
  }
  EXPECT_GT(cuts, 300U);
}

TEST(RunSegments, ThreeSegmentsGiveTheSame) {
  std::mt19937 random(3);
  for (uint32_t seed = 100; seed < 140; ++seed) {
    SCOPED_TRACE(seed);
    Splitting splitting(seed);
    const CutList list = list_cuts(splitting.graph(), {.max_tensors = 64});
    if (list.cuts.size() < 2) continue;
    for (int i = 0; i < 4; ++i) {
      const size_t first = random() % (list.cuts.size() - 1);
      const size_t second = first + 1 + random() % (list.cuts.size() - first - 1);
      splitting.expect_same({list.cuts[first], list.cuts[second]});
    }
  }
}

TEST(RunSegments, SegmentsSurviveTheDisk) {
  const test::TempDir dir;
  Splitting splitting(4);
  const CutList list = list_cuts(splitting.graph());
  for (const uint64_t limit : {kMaxInlineBytes, uint64_t{0}}) {
    std::vector<Model> read;
    for (const Model& segment : value_of(split(splitting.graph(), {list.cuts[1]}))) {
      const fs::path path = dir / fmt::format("{}.onnx", read.size());
      ASSERT_TRUE(write_model(segment, path, limit));
      read.push_back(value_of(read_model(path)));
    }
    splitting.expect_equal(splitting.run(read));
  }
}

// x -> Relu -> a -> Tanh -> y
std::vector<std::unique_ptr<Program>> two_programs() {
  TestGraph b;
  b.f32("x", {1, 4});
  b.op("a", "Relu", {"x"});
  b.op("y", "Tanh", {"a"});
  b.outputs({"y"});
  Graph graph = b.build();
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  const auto engine = value_of(make_onnxruntime());
  std::vector<std::unique_ptr<Program>> programs;
  for (const Model& segment : value_of(split(graph, {list_cuts(graph).cuts[0]}))) {
    programs.push_back(value_of(engine->load(to_segment(segment))));
  }
  return programs;
}

TEST(RunSegments, WeightsThatNothingUsesAreNoTrouble) {
  // As an input, too: so it was before IR 4.
  TestGraph b;
  b.f32("x", {1, 4});
  b.f32("unused", {1000});
  b.random("unused", {1000});
  b.random("unused2", {1000});
  b.random("unused_small", {10});
  b.random("output", {1000});
  b.op("y", "Tanh", {"x"});
  b.outputs({"y", "output"});
  const Model model = value_of(b.model());
  const auto engine = value_of(make_onnxruntime());
  std::vector<std::unique_ptr<Program>> programs;
  programs.push_back(value_of(engine->load(to_segment(model))));
  EXPECT_EQ(programs[0]->inputs().size(), 1U);
  const auto outputs =
      value_of(run_segments(programs, {{"x", random_tensor(1, {1, 4})}}, {"y", "output"}));
  EXPECT_EQ(as_text(outputs[1].tensor.data()), as_text(model.weights.at("output").data()));
}

TEST(RunSegments, SaysWhatDoesNotFit) {
  const auto programs = two_programs();
  const NamedTensor x = {"x", random_tensor(1, {1, 4})};
  EXPECT_EQ(value_of(run_segments(programs, {x}, {"y", "x"})).size(), 2U);
  test::expect_error(
      run_segments(programs, {}, {"y"}), Kind::kInvalid,
      "segment 1 needs 'x', which is neither a given input nor an earlier segment's output");
  test::expect_error(run_segments(programs, {x, x}, {"y"}), Kind::kInvalid,
                     "input 'x' is given twice");
  test::expect_error(run_segments(programs, {x}, {"z"}), Kind::kInvalid, "no segment outputs 'z'");
  test::expect_error(run_segments(programs, {{"x", random_tensor(1, {1, 5})}}, {"y"}),
                     Kind::kInvalid, "segment 1: input 'x': got f32[1,5], want f32[1,4]");
}

}  // namespace
}  // namespace cloister
