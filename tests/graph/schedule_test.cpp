#include "graph/schedule.h"

#include <chrono>
#include <numeric>
#include <set>

#include "tests/support/graphs.h"
#include "tests/support/random_dag.h"

namespace cloister {
namespace {

using test::add_chain;
using test::cut_names;
using test::Names;
using test::TestGraph;
using test::value_of;
using testing::ElementsAre;

// Data tensors that are alive after each node of this order but the last.
std::vector<size_t> widths(const std::vector<Node>& nodes, const std::vector<Value>& values,
                           const std::vector<uint32_t>& order) {
  std::vector<size_t> place(nodes.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  std::vector<size_t> last_use(values.size(), 0);
  std::vector<size_t> made(values.size(), 0);
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    for (const ValueId id : nodes[i].outputs) made[id] = place[i] + 1;
    for (const ValueId id : nodes[i].inputs) {
      last_use[id] = std::max(last_use[id], place[i] + 1);
    }
  }
  std::vector<size_t> widths;
  for (size_t boundary = 1; boundary < nodes.size(); ++boundary) {
    size_t width = 0;
    for (ValueId id = 0; id < values.size(); ++id) {
      const bool is_data = !values[id].is_constant && !values[id].is_shape_only;
      if (is_data && made[id] <= boundary && last_use[id] > boundary) ++width;
    }
    widths.push_back(width);
  }
  return widths;
}

std::vector<uint32_t> as_given(const std::vector<Node>& nodes) {
  std::vector<uint32_t> order(nodes.size());
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

// The data nodes of a graph, in an order that runs and that the test chooses.
std::vector<Node> shuffled_nodes(const Graph& graph, std::mt19937& random) {
  std::vector<Node> left(graph.nodes.begin() + graph.first_data_node, graph.nodes.end());
  std::set<ValueId> missing;
  for (const Node& node : left) missing.insert(node.outputs.begin(), node.outputs.end());
  std::vector<Node> nodes;
  while (!left.empty()) {
    std::vector<size_t> ready;
    for (size_t i = 0; i < left.size(); ++i) {
      if (std::ranges::none_of(left[i].inputs, [&](ValueId id) { return missing.contains(id); })) {
        ready.push_back(i);
      }
    }
    const size_t chosen = ready[random() % ready.size()];
    for (const ValueId id : left[chosen].outputs) missing.erase(id);
    nodes.push_back(std::move(left[chosen]));
    left.erase(left.begin() + static_cast<ptrdiff_t>(chosen));
  }
  return nodes;
}

TEST(NarrowOrder, RunsAndIsNarrowerOverAll) {
  std::mt19937 random(7);
  size_t before = 0;
  size_t after = 0;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = value_of(build_graph(
        value_of(make_model(test::RandomDag(seed).make(3 + static_cast<int>(seed) % 40)))));
    const std::vector<Node> nodes = shuffled_nodes(graph, random);
    const auto order = narrow_order(nodes, graph.values);
    ASSERT_EQ(std::set<uint32_t>(order.begin(), order.end()).size(), nodes.size());
    std::set<ValueId> missing;
    for (const Node& node : nodes) missing.insert(node.outputs.begin(), node.outputs.end());
    for (const uint32_t index : order) {
      for (const ValueId id : nodes[index].inputs) EXPECT_FALSE(missing.contains(id));
      for (const ValueId id : nodes[index].outputs) missing.erase(id);
    }
    for (const size_t width : widths(nodes, graph.values, as_given(nodes))) before += width;
    for (const size_t width : widths(nodes, graph.values, order)) after += width;
  }
  EXPECT_LT(after, before);
}

TEST(NarrowOrder, WhatOnlyServesAnOutputComesEarly) {
  TestGraph b;
  b.f32("x");
  b.f32("state_in");
  add_chain(b, "x", {"a", "b", "c", "y"});
  b.op("state_out", "Identity", {"state_in"});
  b.outputs({"y", "state_out"});
  const Graph graph = b.build();
  EXPECT_THAT(cut_names(graph, list_cuts(graph)),
              ElementsAre(Names{"x"}, Names{"a"}, Names{"b"}, Names{"c"}));
}

TEST(NarrowOrder, StateThatIsTakenApartComesEarlyToo) {
  TestGraph b;
  b.f32("x");
  b.f32("state_in");
  add_chain(b, "x", {"a", "b", "y"});
  b.op("first", "Tanh", {"state_in"});
  b.op("second", "Exp", {"state_in"});
  b.op("state_out", "Add", {"first", "second"});
  b.outputs({"y", "state_out"});
  const Graph graph = b.build();
  const CutList list = list_cuts(graph);
  EXPECT_THAT(names_of(graph, list.cuts.back().tensors), ElementsAre("b"));
  EXPECT_EQ(list.cuts.back().exposed_by_construction, "");
}

TEST(NarrowOrder, TheSkipIsMadeBeforeTheMainPath) {
  // The file makes it where it is needed, so that the input would cross every cut.
  TestGraph b;
  b.f32("x");
  add_chain(b, "x", {"a", "b", "c"});
  b.op("skip", "GlobalAveragePool", {"x"});
  b.op("y", "Add", {"c", "skip"});
  b.outputs({"y"});
  const Graph graph = b.build();
  EXPECT_THAT(
      cut_names(graph, list_cuts(graph)),
      ElementsAre(Names{"x", "a"}, Names{"a", "skip"}, Names{"skip", "b"}, Names{"skip", "c"}));
}

TEST(NarrowOrder, IsQuickWithManyUsesAndManyInputs) {
  TestGraph b;
  constexpr int kMany = 20'000;
  b.f32("x");
  std::vector<std::string> inputs;
  for (int i = 0; i < kMany; ++i) {
    const std::string name = b.f32("x" + std::to_string(i));
    inputs.push_back(name);
    b.op("t" + std::to_string(i), "Add", {name, "x"});
  }
  b.op("all", "Concat", inputs, {{"axis", 1}});
  Names outputs = {"all"};
  for (int i = 0; i < kMany; ++i) outputs.push_back("t" + std::to_string(i));
  b.outputs(outputs);
  const auto begin = std::chrono::steady_clock::now();
  const Graph graph = b.build();
  EXPECT_EQ(graph.data_nodes(), static_cast<size_t>(kMany) + 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace cloister
