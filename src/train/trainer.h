// Trains a segment.
#pragma once

#include "engine/torch/segment_module.h"
#include "train/samples.h"
#include "train/training.h"

namespace cloister {

// Trains `module`, whose only input takes the samples' in batches; leaves it in eval mode. A last
// batch of one sample joins the one before it. `validation` may be null. All chance comes from the
// seed, by epoch and step. kInvalid for samples that do not fit the model (type, shape, labels out
// of range or all of one class) and a loss that is not finite; kRefused for a checkpoint of another
// run.
Result<Trained> train(SegmentModule& module, Samples& training, Samples* validation,
                      const TrainOptions& options, const TrainHooks& hooks);

// The same on arrays in memory, without validation. `labels`: classes, i64 [N], for cross-entropy;
// f32 of the output's shape for mse.
Result<std::vector<EpochReport>> train(SegmentModule& module, const TensorView& inputs,
                                       const TensorView& labels, const TrainOptions& options,
                                       const std::function<void(const EpochReport&)>& report);

// What the model, which is in eval mode, makes of the samples.
Result<Evaluation> evaluate(const SegmentModule& module, Samples& samples, Loss loss,
                            int64_t batch);

}  // namespace cloister
