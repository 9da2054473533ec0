// Options and reports of training, without LibTorch's headers.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/file.h"

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
  double label_smoothing = 0;        // cross-entropy: 0 to 1
  std::vector<float> class_weights;  // cross-entropy: one a class; empty: all the same
  int64_t epochs = 10;
  int64_t batch = 64;
  uint64_t seed = 1;
  // A folder that keeps the state after each epoch, and when a hook stops it; empty: none.
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
  std::optional<double> validation_loss;
  std::optional<double> validation_accuracy;
};

struct StepReport {
  double done_share = 0;  // of all epochs
  int64_t epoch = 0;      // from 1
  double loss = 0;        // mean over the epoch so far
  double accuracy = 0;
};

struct TrainHooks {
  std::function<bool(const StepReport&)> step;    // after each step; false: stop here
  std::function<void(const EpochReport&)> epoch;  // after each epoch
};

struct Trained {
  std::vector<EpochReport> epochs;
  bool stopped = false;  // by a hook; the checkpoint has what was done so far
};

struct ClassCount {
  int64_t samples = 0;
  int64_t correct = 0;
};

struct Evaluation {
  double loss = 0;                  // unweighted, without smoothing
  double accuracy = 0;              // cross-entropy only, as is
  std::vector<ClassCount> classes;  // by class
};

}  // namespace cloister
