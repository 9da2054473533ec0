#include "profile/work.h"

#include "base/checked.h"
#include "graph/live_set.h"

namespace cloister::profile {
namespace {

uint64_t bytes_of(const Graph& graph, ValueId id) {
  return graph.values[id].type.bytes().value_or(0);
}

}  // namespace

ModelWork model_work(const Graph& graph, const CutList& cuts) {
  const size_t nodes = graph.data_nodes();
  // At each node: what is live while it runs, and what has been made up to it.
  std::vector<uint64_t> live(nodes, 0);
  std::vector<uint64_t> made(nodes + 1, 0);
  LiveSet set(graph);
  for (size_t i = 0; i < nodes; ++i) {
    const Node& node = graph.nodes[graph.first_data_node + i];
    // Its inputs are live still when its outputs are made.
    for (const ValueId id : set.data()) live[i] = saturating_add(live[i], bytes_of(graph, id));
    made[i + 1] = made[i];
    for (const ValueId id : node.outputs) {
      live[i] = saturating_add(live[i], bytes_of(graph, id));
      made[i + 1] = saturating_add(made[i + 1], bytes_of(graph, id));
    }
    set.step(node);
  }
  std::vector<uint64_t> most_after(nodes + 1, 0);
  for (size_t i = nodes; i-- > 0;) most_after[i] = std::max(most_after[i + 1], live[i]);

  ModelWork out;
  out.total = {cuts.total_macs, cuts.total_weight_bytes, made[nodes]};
  out.live_bytes = most_after[0];
  uint64_t most_before = 0;
  size_t node = 0;
  for (const Cut& cut : cuts.cuts) {
    for (; node < cut.position && node < nodes; ++node) {
      most_before = std::max(most_before, live[node]);
    }
    out.cuts.push_back(
        {{cut.macs_before, cut.weight_bytes_before, made[node]}, most_before, most_after[node]});
  }
  return out;
}

}  // namespace cloister::profile
