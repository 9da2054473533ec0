#include "profile/work.h"

#include <gmock/gmock.h>

#include "engine/probe.h"
#include "graph/zoo/zoo.h"
#include "tests/support/graphs.h"

namespace cloister::profile {
namespace {

using test::value_of;

TEST(Work, OfAChain) {
  Graph graph =
      value_of(build_graph(value_of(zoo_model("mlp", 1, {.features = 10, .classes = 3}))));
  ASSERT_TRUE(infer_types(graph, onnxruntime_probe()));
  const CutList cuts = list_cuts(graph);
  const ModelWork work = model_work(graph, cuts);
  ASSERT_EQ(work.cuts.size(), cuts.cuts.size());
  EXPECT_EQ(work.total.macs, cuts.total_macs);
  EXPECT_EQ(work.total.weight_bytes, cuts.total_weight_bytes);
  uint64_t made = 0;
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.outputs) made += *graph.values[id].type.bytes();
  }
  EXPECT_EQ(work.total.activation_bytes, made);
  uint64_t before = 0, head = 0, tail = work.live_bytes;
  for (size_t i = 0; i < work.cuts.size(); ++i) {
    const CutWork& cut = work.cuts[i];
    EXPECT_EQ(cut.before.macs, cuts.cuts[i].macs_before);
    EXPECT_EQ(cut.before.weight_bytes, cuts.cuts[i].weight_bytes_before);
    // Deeper heads have made more and hold no less; tails the other way round.
    EXPECT_GT(cut.before.activation_bytes, before);
    EXPECT_GE(cut.head_live_bytes, head);
    EXPECT_LE(cut.tail_live_bytes, tail);
    // What crosses is live on both sides.
    EXPECT_GE(cut.head_live_bytes, *cuts.cuts[i].bytes);
    EXPECT_GE(cut.tail_live_bytes, *cuts.cuts[i].bytes);
    before = cut.before.activation_bytes;
    head = cut.head_live_bytes;
    tail = cut.tail_live_bytes;
  }
  EXPECT_EQ(std::max(head, tail), work.live_bytes);
}

}  // namespace
}  // namespace cloister::profile
