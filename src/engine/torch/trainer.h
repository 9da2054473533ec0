// Trains a segment on arrays in memory.
#pragma once

#include <functional>

#include "base/file.h"
#include "engine/torch/segment_module.h"

namespace cloister {

enum class Loss { kCrossEntropy, kMse };
enum class Optimizer { kAdam, kSgd };
enum class Schedule { kConstant, kCosine };

struct TrainOptions {
  Loss loss = Loss::kCrossEntropy;  // of the first output: logits [N, classes], not probabilities
  Optimizer optimizer = Optimizer::kAdam;
  Schedule schedule = Schedule::kCosine;  // to 0 over all steps
  double learning_rate = 1e-3;
  double momentum = 0.9;  // SGD's
  double weight_decay = 0;
  int64_t epochs = 10;
  int64_t batch = 64;
  uint64_t seed = 1;
  // A folder that keeps the state after each epoch; empty: none.
  fs::path checkpoint;
  // Goes on from the state in that folder, if there is one. What follows is what an uninterrupted
  // run would have given, on the same machine with the same number of threads.
  bool resume = false;
  // What else must be the same to go on: digests of the model and the data.
  std::string identity;
};

struct EpochReport {
  int64_t epoch = 0;         // from 1
  double loss = 0;           // mean over the epoch's samples, as they were trained on
  double accuracy = 0;       // likewise; cross-entropy only
  double learning_rate = 0;  // at its end
};

// Trains `module`, whose only input takes `inputs` in batches; leaves it in eval mode. `labels`:
// classes, i64 [N], for cross-entropy; f32 of the output's shape for mse. `report` is called after
// each epoch. All chance comes from the seed, by epoch. kInvalid for data that does not fit
// (counts, labels out of range, values that are not finite, a loss that is not), kRefused for a
// checkpoint of another run.
Result<std::vector<EpochReport>> train(SegmentModule& module, const TensorView& inputs,
                                       const TensorView& labels, const TrainOptions& options,
                                       const std::function<void(const EpochReport&)>& report);

}  // namespace cloister
