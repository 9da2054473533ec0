// The state of a training run as a file.
#pragma once

#include <torch/optim/optimizer.h>

#include "train/training.h"

namespace cloister {

// Tensors that are trained, and what trains them.
struct Learner {
  // Weights and buffers, in an order that is always the same. Shared with who owns them.
  std::vector<at::Tensor> tensors;
  torch::optim::Optimizer* optimizer = nullptr;  // never null; outlives this
  double rate_share = 1;                         // of the learning rate that all follow
};

// An epoch that is done.
struct LoopEpoch {
  int64_t epoch = 0;         // from 1
  double loss = 0;           // mean over its steps, as they were trained on
  double accuracy = 0;       // likewise; 0 where steps count nothing
  double learning_rate = 0;  // at its end
  std::optional<double> validation_loss;
  std::optional<double> validation_score;
};

// How far a run is.
struct LoopState {
  std::vector<LoopEpoch> done;
  int64_t step = 0;  // of the epoch that is not done
  // Sums over its steps so far.
  double loss = 0;
  double correct = 0;
  double weight = 0;
};

// Writes the file, at once or not at all, and its folder where there is none.
Result<> save_checkpoint(const fs::path& path, const std::string& identity, const LoopState& state,
                         std::span<const Learner> learners);

// Puts all of it back; nothing where there is no file. kRefused for another identity, kInvalid for
// a damaged file; the learners are then as they were.
Result<std::optional<LoopState>> load_checkpoint(const fs::path& path, const std::string& identity,
                                                 std::span<const Learner> learners);

}  // namespace cloister
