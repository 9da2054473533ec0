#pragma once

#include "engine/run.h"
#include "graph/extract.h"
#include "tensor/compare.h"

namespace cloister {

// A model loaded in one or more segments.
struct LoadedModel {
  std::vector<std::unique_ptr<Program>> segments;
  std::vector<std::string> outputs;  // the model's, in its order

  Result<std::vector<NamedTensor>> run(const std::vector<NamedTensor>& inputs) const {
    return run_segments(segments, inputs, outputs);
  }
};

// Loads the model as its file has it (no cuts), or its segments between the cuts.
Result<LoadedModel> load_cut_model(Engine& engine, const Graph& graph,
                                   const std::vector<Cut>& cuts = {});

// The largest difference over all outputs, given in the same order. kInvalid when types or shapes
// differ, naming the output.
Result<Difference> compare_outputs(const std::vector<NamedTensor>& outputs,
                                   const std::vector<NamedTensor>& reference);

}  // namespace cloister
