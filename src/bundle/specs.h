// What a segment takes and gives, as a manifest has it. In the tool only.
#pragma once

#include "bundle/manifest.h"
#include "graph/cuts.h"

namespace cloister::bundle {

// kUnsupported for a tensor whose type is not known.
Result<std::vector<TensorSpec>> input_specs(const Graph& graph);
Result<std::vector<TensorSpec>> output_specs(const Graph& graph);

// Of a segment that was made of the graph: `model` names its inputs and outputs.
Result<TensorSpecs> segment_specs(const Graph& graph, const Model& model);

// The most that a dimension of an input may be. What clients choose costs memory and time, which
// may grow faster than what they send, so that each free dimension needs a bound.
struct DimBound {
  std::string input;
  size_t axis = 0;
  int64_t most = 0;
};

// "ids[1]=512". kInvalid.
Result<DimBound> parse_dim_bound(std::string_view text);

// Sets the bounds of free dimensions, other than a batch of up to `max_batch`: those given, and
// `otherwise` for the rest. kInvalid for a bound that bounds nothing.
Result<> set_bounds(const std::vector<DimBound>& bounds, int64_t otherwise, int64_t max_batch,
                    std::vector<TensorSpec>& inputs);

// Why the model, cut there, can't be served in batches: the first input, output or tensor across
// whose first dimension is not the batch. Nothing: it can.
std::optional<std::string> why_no_batch(const Graph& graph, const std::vector<Cut>& cuts);

}  // namespace cloister::bundle
