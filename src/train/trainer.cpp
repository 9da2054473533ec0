#include "train/trainer.h"

#include <fmt/ranges.h>
#include <torch/optim.h>

#include <cmath>

#include "train/loop.h"
#include "train/objective.h"

namespace cloister {
namespace {

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const SegmentModule& module,
                                                        const TrainOptions& options) {
  if (options.optimizer == Optimizer::kAdam) {
    return std::make_unique<torch::optim::Adam>(
        module.parameters(),
        torch::optim::AdamOptions(options.learning_rate).weight_decay(options.weight_decay));
  }
  return std::make_unique<torch::optim::SGD>(module.parameters(),
                                             torch::optim::SGDOptions(options.learning_rate)
                                                 .momentum(options.momentum)
                                                 .weight_decay(options.weight_decay));
}

// What a checkpoint must agree on with the run that goes on from it.
std::string identity(const TrainOptions& o) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", static_cast<int>(o.loss),
                     static_cast<int>(o.optimizer), static_cast<int>(o.schedule), o.learning_rate,
                     o.momentum, o.weight_decay, o.label_smoothing, fmt::join(o.class_weights, ","),
                     o.epochs, o.batch, o.seed, o.identity);
}

// Weights and buffers, in the order of their names.
Learner learner_of(const SegmentModule& module, torch::optim::Optimizer& optimizer) {
  Learner learner{{}, &optimizer};
  for (const auto& [_, weight] : module.weights()) learner.tensors.push_back(weight);
  return learner;
}

LoopOptions loop_options(const TrainOptions& o, int64_t rows) {
  return {.rows = rows,
          .epochs = o.epochs,
          .batch = o.batch,
          .last_batch = LastBatch::kJoined,
          .schedule = o.schedule,
          .learning_rate = o.learning_rate,
          .seed = o.seed,
          .chance = Chance::kByStep,
          .checkpoint = o.checkpoint.empty() ? fs::path() : o.checkpoint / "checkpoint.pt",
          .resume = o.resume,
          .identity = identity(o)};
}

EpochReport report_of(const LoopEpoch& epoch) {
  return {epoch.epoch,           epoch.loss,
          epoch.accuracy,        epoch.learning_rate,
          epoch.validation_loss, epoch.validation_score};
}

// What the loop calls for one model.
class Trainer {
 public:
  Trainer(SegmentModule& module, Samples& training, Samples* validation,
          const TrainOptions& options, const TrainHooks& hooks)
      : module_(module),
        training_(training),
        validation_(validation),
        options_(options),
        hooks_(hooks),
        optimizer_(make_optimizer(module, options)) {
    objective_ = {options.loss, options.label_smoothing, {}};
    if (options.class_weights.empty()) return;
    objective_.class_weights =
        at::tensor(options.class_weights, at::kFloat).to(module.parameters().front().device());
  }

  Result<Trained> run() {
    const Learner learners[] = {learner_of(module_, *optimizer_)};
    LoopHooks hooks{.step = [this](const LoopBatch& batch) { return run_step(batch); },
                    .training = [this](bool on) { module_.train(on); }};
    if (validation_ != nullptr) hooks.validate = [this] { return validate(); };
    if (hooks_.step) {
      hooks.progress = [this](const StepReport& report, auto) -> Result<bool> {
        return hooks_.step(report);
      };
    }
    if (hooks_.epoch) {
      hooks.epoch = [this](const LoopEpoch& epoch) -> Result<> {
        hooks_.epoch(report_of(epoch));
        return {};
      };
    }
    TRY(ran, run_loop(learners, loop_options(options_, training_.count()), hooks));
    Trained trained{{}, ran.stopped};
    for (const LoopEpoch& epoch : ran.epochs) trained.epochs.push_back(report_of(epoch));
    return trained;
  }

 private:
  Result<StepScore> run_step(const LoopBatch& of) {
    const std::span<const int64_t> picked(of.rows.data_ptr<int64_t>(),
                                          static_cast<size_t>(of.rows.numel()));
    TRY(batch, load_batch(module_, training_, options_.loss, picked, of.seed));
    optimizer_->zero_grad();
    TRY(outputs, module_.forward(std::vector<at::Tensor>{batch.inputs}));
    TRY(scored, score(objective_, outputs.at(0), batch.labels));
    const double loss = scored.loss.item().toDouble();
    if (!std::isfinite(loss)) {
      return invalid("the loss of epoch {} is {}: try a smaller learning rate", of.epoch, loss);
    }
    scored.loss.backward();
    optimizer_->step();
    const double correct = scored.correct.defined() ? scored.correct.sum().item().toDouble() : 0;
    return StepScore{loss, correct, static_cast<double>(picked.size())};
  }

  Result<Validation> validate() const {
    TRY(found, evaluate(module_, *validation_, options_.loss, options_.batch));
    Validation out{found.loss, {}};
    if (options_.loss == Loss::kCrossEntropy) out.score = found.accuracy;
    return out;
  }

  SegmentModule& module_;
  Samples& training_;
  Samples* validation_;
  const TrainOptions& options_;
  const TrainHooks& hooks_;
  Objective objective_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace

Result<Trained> train(SegmentModule& module, Samples& training, Samples* validation,
                      const TrainOptions& options, const TrainHooks& hooks) {
  if (options.epochs < 1 || options.batch < 1 || !(options.learning_rate > 0)) {
    return fail(Kind::kUsage, "{} epochs, batches of {}, learning rate {}: want more than 0",
                options.epochs, options.batch, options.learning_rate);
  }
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    return fail(Kind::kUsage, "label smoothing {}, want 0 or more and less than 1",
                options.label_smoothing);
  }
  if (module.parameters().empty()) return invalid("the model has nothing to train");
  try {
    TRY_OK(check_samples(module, training, options.loss, true));
    if (validation != nullptr) {
      TRY_OK(check_samples(module, *validation, options.loss, false));
    }
    return Trainer(module, training, validation, options, hooks).run();
  } catch (const c10::Error& error) {
    return fail(Kind::kInvalid, "LibTorch: {}", printable(error.what_without_backtrace(), 400));
  } catch (const std::exception& error) {
    return fail(Kind::kInternal, "LibTorch: {}", printable(error.what(), 400));
  }
}

Result<std::vector<EpochReport>> train(SegmentModule& module, const TensorView& inputs,
                                       const TensorView& labels, const TrainOptions& options,
                                       const std::function<void(const EpochReport&)>& report) {
  TRY(samples, ArraySamples::make(inputs, labels));
  TRY(trained, train(module, samples, nullptr, options, {.step = {}, .epoch = report}));
  return trained.epochs;
}

}  // namespace cloister
