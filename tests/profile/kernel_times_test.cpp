#include "profile/kernel_times.h"

#include <numeric>

#include "engine/probe.h"
#include "graph/cost.h"
#include "graph/zoo/zoo.h"
#include "tests/support/graphs.h"
#include "tests/support/temp_dir.h"

namespace cloister::profile {
namespace {

using test::value_of;

// x -> Relu -> a -> Conv -> c -> Relu -> r -> Flatten -> y
Graph conv_graph() {
  test::TestGraph b;
  b.f32("x", {1, 3, 8, 8});
  b.op("a", "Relu", {"x"});
  b.random("w", {4, 3, 3, 3});
  b.op("c", "Conv", {"a", "w"});
  b.op("r", "Relu", {"c"});
  b.op("y", "Flatten", {"r"});
  b.outputs({"y"});
  Graph graph = value_of(build_graph(value_of(b.model())));
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  return graph;
}

std::string kernel(const std::string& name, double us) {
  return fmt::format(R"({{"cat": "Node", "name": "{}_kernel_time", "dur": {}}},)", name, us);
}

const std::string kRunEnds = R"({"cat": "Session", "name": "model_run", "dur": 9},)";

Result<std::vector<double>> shares_of(const Graph& graph, const std::string& events, int warm_up) {
  return node_shares(graph, "[" + events + R"({"cat": "Session", "name": "done"}])", warm_up);
}

TEST(KernelTimes, TheTimeOfFusedNodesGoesToTheirMacs) {
  const Graph graph = conv_graph();
  // The convolution took its activation in and is named after that one's output; its layout was
  // changed before. A first run that took longer does not count.
  const std::string run = kernel("@0@", 1) + kernel("ReorderInput", 1) + kernel("r_nchwc", 6) +
                          kernel("@3@", 2) + kRunEnds;
  const auto shares = shares_of(graph, kernel("@0@", 99) + kRunEnds + run + run, 1);
  ASSERT_TRUE(shares) << shares.error().message;
  EXPECT_THAT(*shares, testing::Pointwise(testing::DoubleNear(1e-12), {0.2, 0.6, 0.0, 0.2}));
}

TEST(KernelTimes, Errors) {
  const Graph graph = conv_graph();
  test::expect_error(node_shares(graph, "{", 0), Kind::kInvalid, "an array of events");
  test::expect_error(node_shares(graph, "[1, {}]", 0), Kind::kInvalid, "has no run");
  test::expect_error(shares_of(graph, kRunEnds, 0), Kind::kInvalid, "has no time");
  test::expect_error(shares_of(graph, kernel("@99@", 1) + kRunEnds, 0), Kind::kInvalid,
                     "has no time");
}

TEST(KernelTimes, OfARealRun) {
  test::TempDir folder;
  for (const char* name : {"mlp", "tiny_transformer"}) {
    SCOPED_TRACE(name);
    Graph graph = value_of(build_graph(value_of(zoo_model(name, 1))));
    ASSERT_TRUE(infer_types(graph, onnxruntime_probe()));
    const auto shares = trace_nodes(graph, {.runs = 5, .folder = folder.path()});
    ASSERT_TRUE(shares) << shares.error().message;
    EXPECT_NEAR(std::accumulate(shares->begin(), shares->end(), 0.0), 1, 1e-9);
    // Matrix products are most of what these do.
    double products = 0;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      EXPECT_GE((*shares)[i], 0);
      if (node_macs(graph, graph.nodes[i]).value_or(0) > 0) products += (*shares)[i];
    }
    EXPECT_GT(products, 0.2);
    EXPECT_TRUE(fs::is_empty(folder.path()));
  }
}

}  // namespace
}  // namespace cloister::profile
