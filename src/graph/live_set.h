#pragma once

#include <set>

#include "graph/graph.h"

namespace cloister {

// The tensors that are live between data nodes, kept up to date node by node; at first, before any
// of them. Constants are never live, and being an output keeps nothing alive.
class LiveSet {
 public:
  explicit LiveSet(const Graph& graph);

  // Steps over one node; whether that changed what is exposed. A tensor that is a rearrangement of
  // another exposes what the other does.
  bool step(const Node& node);

  const std::set<ValueId>& data() const { return data_; }
  const std::set<ValueId>& shapes() const { return shapes_; }  // depend on dimensions only

 private:
  void begin(ValueId id);
  void end(ValueId id);

  const Graph& graph_;
  std::vector<ValueId> roots_;
  std::vector<uint32_t> uses_left_;
  std::vector<uint32_t> root_count_;  // live values by their root
  std::set<ValueId> data_;
  std::set<ValueId> shapes_;
  uint64_t exposed_changes_ = 0;
};

}  // namespace cloister
