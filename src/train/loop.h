// The one training loop: epochs, order, learning rate, validation and checkpoints. What a step
// computes is its user's. Includes LibTorch's headers.
#pragma once

#include <span>

#include "train/checkpoint.h"

namespace cloister {

// What becomes of an epoch's last rows, which fill no batch.
enum class LastBatch {
  kDropped,  // left out; a set smaller than a batch is one batch all the same
  kShort,    // a smaller batch
  kJoined,   // a smaller batch, but a single row, which has no variance, joins the batch before it
};

// When LibTorch's generator is seeded. What is drawn then depends on the seed and the place in the
// run alone, so that a resumed run draws what an uninterrupted one would have.
enum class Chance {
  kByStep,   // before the order of an epoch is drawn and before each step
  kByEpoch,  // before the order of an epoch; steps draw one after another
  kCallers,  // never: the caller did. Such a run can't be resumed
};

struct LoopOptions {
  int64_t rows = 0;  // of the training set
  int64_t epochs = 1;
  int64_t batch = 1;  // rows
  LastBatch last_batch = LastBatch::kJoined;
  Schedule schedule = Schedule::kCosine;
  double learning_rate = 1e-3;  // at the start
  uint64_t seed = 1;
  Chance chance = Chance::kByStep;

  fs::path checkpoint;   // a file; empty: none. Its folder is made
  bool resume = true;    // go on from that file, if it is there
  std::string identity;  // all that a run must agree on to go on from it, options above included
  // A file of another identity, or a damaged one, is no error: the run starts anew.
  bool replace_foreign = false;
};

// The rows of one step.
struct LoopBatch {
  at::Tensor rows;    // i64 [n], contiguous, on the CPU
  int64_t epoch = 0;  // from 1
  uint64_t seed = 0;  // Chance::kByStep: this step's own
};

// What a step measured. The epoch's loss and accuracy are means with these weights.
struct StepScore {
  double loss = 0;
  double correct = 0;  // a sum over the step
  double weight = 1;   // the number of rows, for means over rows
};

struct Validation {
  std::optional<double> loss;
  std::optional<double> score;
};

// `step` is required, the others may be empty. An error of any of them ends the run as it is, and
// nothing is saved: the checkpoint stays that of the last epoch.
struct LoopHooks {
  // Computes the loss and has the optimizers, whose learning rates are set, descend.
  std::function<Result<StepScore>(const LoopBatch&)> step;
  // Told true before the steps of an epoch and false after them, also when they fail.
  std::function<void(bool)> training;
  // After the steps of each epoch.
  std::function<Result<Validation>()> validate;
  // After each step, with the epochs that are done; false: save and stop. Within an epoch only
  // Chance::kByStep has a state to save. Not heard after an epoch's last step: the epoch ends.
  std::function<Result<bool>(const StepReport&, std::span<const LoopEpoch>)> progress;
  // After each epoch, once it is saved.
  std::function<Result<>(const LoopEpoch&)> epoch;
  // Whether these epochs suffice, before each further one: depends on nothing else, so that a
  // resumed run stops where an uninterrupted one does.
  std::function<bool(std::span<const LoopEpoch>)> enough;
};

struct LoopResult {
  std::vector<LoopEpoch> epochs;  // also those before this run was resumed
  bool stopped = false;           // by `progress`
  // Of this run alone, steps without validation: throughput.
  int64_t rows = 0;
  double seconds = 0;
};

// Trains `learners`, whose tensors and optimizers change in place. Bit for bit the same whether or
// not it was interrupted, on the same machine with the same number of threads. kUsage for no rows,
// no batch, and a checkpoint with Chance::kCallers; kInvalid for a loss that is not finite or a
// damaged checkpoint, kRefused for one of another identity, kIo for one that can't be written. Uses
// LibTorch's global generator: one loop at a time in a process.
Result<LoopResult> run_loop(std::span<const Learner> learners, const LoopOptions& options,
                            const LoopHooks& hooks);

}  // namespace cloister
