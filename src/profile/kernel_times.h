// Which node of a model takes what share of its time, from ONNX Runtime's profiler.
#pragma once

#include "base/file.h"
#include "graph/graph.h"

namespace cloister::profile {

// The model with every node named after its place in Graph::nodes, so that the profiler's kernels
// can be told apart.
Result<Model> with_numbered_nodes(const Graph& graph);

// The share of the time of each of graph.nodes, summing to 1, by the profiler's `trace` of that
// model: over its runs but the first `warm_up`, medians. The time of a kernel that several nodes
// were fused into goes to those of them that have MACs. kInvalid for a trace that is none.
Result<std::vector<double>> node_shares(const Graph& graph, std::string_view trace, int warm_up);

// Both, with `runs` runs on random inputs. `folder` is for the trace. Thread-safe.
struct TraceOptions {
  int64_t batch = 1;
  int threads = 1;
  int runs = 8;
  uint64_t seed = 1;
  fs::path folder;
};
Result<std::vector<double>> trace_nodes(const Graph& graph, const TraceOptions& options);

}  // namespace cloister::profile
