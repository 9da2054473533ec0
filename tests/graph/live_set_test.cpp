#include "graph/live_set.h"

#include <random>
#include <set>

#include "tests/support/graphs.h"
#include "tests/support/random_dag.h"

namespace cloister {
namespace {

using test::Names;
using test::names_of;
using test::TestGraph;
using test::value_of;

// Non-constant values made before `position` (or given) and used from there on.
std::set<std::string> live_at(const Graph& graph, size_t position, bool shape_only) {
  std::set<std::string> live;
  for (size_t i = graph.first_data_node + position; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].inputs) {
      const Value& value = graph.values[id];
      const bool before =
          value.producer == kNone || value.producer < graph.first_data_node + position;
      if (before && !value.is_constant && value.is_shape_only == shape_only) {
        live.insert(value.name);
      }
    }
  }
  return live;
}

TEST(LiveSet, OfRandomGraphs) {
  size_t checked = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = value_of(build_graph(
        value_of(make_model(test::RandomDag(seed).make(3 + static_cast<int>(seed) % 30)))));
    const CutList list = list_cuts(graph, {.max_tensors = 1000});
    EXPECT_EQ(list.too_wide, 0U);
    EXPECT_EQ(list.boundaries, list.cuts.size() + list.merged);
    for (const Cut& cut : list.cuts) {
      const Names names = names_of(graph, cut.tensors);
      EXPECT_EQ(std::set(names.begin(), names.end()), live_at(graph, cut.position, false));
      const Names shapes = names_of(graph, cut.shape_tensors);
      EXPECT_EQ(std::set(shapes.begin(), shapes.end()), live_at(graph, cut.position, true));
      ++checked;
    }
  }
  EXPECT_GT(checked, 3000U);
}

// Whether the output is reached from an input without passing through `removed`.
bool connected_without(const Graph& graph, ValueId removed) {
  std::set<ValueId> reached;
  for (const ValueId id : graph.inputs) {
    if (id != removed) reached.insert(id);
  }
  for (const Node& node : graph.nodes) {
    const bool any =
        std::ranges::any_of(node.inputs, [&](ValueId id) { return reached.contains(id); });
    for (const ValueId id : node.outputs) {
      if (any && id != removed) reached.insert(id);
    }
  }
  return reached.contains(graph.outputs[0]);
}

TEST(LiveSet, SingleTensorsDominateTheOutput) {
  std::mt19937 random(11);
  size_t dominators = 0;
  for (int round = 0; round < 400; ++round) {
    SCOPED_TRACE(round);
    TestGraph b;
    Names values = {b.f32("x"), b.f32("x2")};
    const int size = 4 + round % 25;
    for (int i = 0; i < size; ++i) {
      // Operands near the end make bottlenecks likely.
      const auto operand = [&] {
        return values[values.size() - 1 - std::min<size_t>(random() % 3, values.size() - 1)];
      };
      values.push_back(b.op("v" + std::to_string(i), random() % 2 == 0 ? "Tanh" : "Add",
                            {operand(), operand()}));
    }
    b.outputs({values.back()});
    const Graph graph = b.build();
    std::set<std::string> single;
    for (const Cut& cut : list_cuts(graph).cuts) {
      if (cut.is_single()) single.insert(graph.values[cut.tensors[0]].name);
    }
    for (ValueId id = 0; id < graph.values.size(); ++id) {
      const Value& value = graph.values[id];
      if (value.is_output || value.is_input) continue;
      const bool dominates = !connected_without(graph, id);
      dominators += dominates ? 1 : 0;
      EXPECT_EQ(single.contains(value.name), dominates) << value.name;
    }
  }
  EXPECT_GT(dominators, 500U);
}

}  // namespace
}  // namespace cloister
