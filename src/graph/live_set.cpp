#include "graph/live_set.h"

#include "graph/exposure.h"

namespace cloister {

LiveSet::LiveSet(const Graph& graph)
    : graph_(graph),
      roots_(arrangement_roots(graph)),
      uses_left_(graph.values.size(), 0),
      root_count_(graph.values.size(), 0) {
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].inputs) ++uses_left_[id];
  }
  for (const ValueId id : graph.inputs) begin(id);
}

bool LiveSet::step(const Node& node) {
  const uint64_t before = exposed_changes_;
  // What is made comes first, so that a rearranged value never seems to vanish in between.
  for (const ValueId id : node.outputs) begin(id);
  for (const ValueId id : node.inputs) {
    if (!graph_.values[id].is_constant && --uses_left_[id] == 0) end(id);
  }
  return exposed_changes_ != before;
}

void LiveSet::begin(ValueId id) {
  if (graph_.values[id].is_constant || uses_left_[id] == 0) return;
  if (graph_.values[id].is_shape_only) {
    shapes_.insert(id);
  } else if (data_.insert(id).second && root_count_[roots_[id]]++ == 0) {
    ++exposed_changes_;
  }
}

void LiveSet::end(ValueId id) {
  if (shapes_.erase(id) > 0 || data_.erase(id) == 0) return;
  if (--root_count_[roots_[id]] == 0) ++exposed_changes_;
}

}  // namespace cloister
