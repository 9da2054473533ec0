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

// Why the model, cut there, can't be served in batches: the first input, output or tensor across
// whose first dimension is not the batch. Nothing: it can.
std::optional<std::string> why_no_batch(const Graph& graph, const std::vector<Cut>& cuts);

}  // namespace cloister::bundle
