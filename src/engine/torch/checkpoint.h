// The state of a training run as a file.
#pragma once

#include <torch/optim/optimizer.h>

#include "engine/torch/trainer.h"

namespace cloister {

// How far a run is.
struct TrainState {
  std::vector<EpochReport> done;
  int64_t step = 0;  // of the epoch that is not done
  double loss = 0;   // sums over its samples so far
  double accuracy = 0;
};

// Writes FOLDER/checkpoint.pt, at once or not at all.
Result<> save_checkpoint(const fs::path& folder, const std::string& identity,
                         const TrainState& state, const SegmentModule& module,
                         torch::optim::Optimizer& optimizer);

// Takes everything from it; false where there is none. kRefused for another identity; kInvalid for
// a damaged file.
Result<bool> load_checkpoint(const fs::path& folder, const std::string& identity, TrainState& state,
                             SegmentModule& module, torch::optim::Optimizer& optimizer);

}  // namespace cloister
