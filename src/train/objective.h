// What training and evaluation share: batches, losses, and whether samples fit a model.
#pragma once

#include <ATen/ATen.h>

#include "train/trainer.h"

namespace cloister {

struct Objective {
  Loss loss = Loss::kCrossEntropy;
  double label_smoothing = 0;
  at::Tensor class_weights;  // undefined: all the same
};

struct Batch {
  Tensor memory;  // of the inputs
  at::Tensor inputs;
  at::Tensor labels;
};

struct Scored {
  at::Tensor loss;     // the mean
  at::Tensor correct;  // bool [N]; undefined for mse
};

// kInvalid for a model with another number of inputs than 1, no samples, labels of another type or
// shape, out of the range of the model's classes where that is known, or (for training) all of one
// class.
Result<> check_samples(const SegmentModule& module, const Samples& samples, Loss loss,
                       bool for_training);

// On the module's device. kInvalid for inputs of another type or shape than the model's.
Result<Batch> load_batch(const SegmentModule& module, Samples& samples, Loss loss,
                         std::span<const int64_t> picked, std::optional<uint64_t> seed);

// kInvalid for an output of another shape, and labels out of its range.
Result<Scored> score(const Objective& objective, const at::Tensor& output,
                     const at::Tensor& labels);

}  // namespace cloister
