#include "engine/torch/trainer.h"

#include <fmt/ranges.h>
#include <torch/optim.h>
#include <torch/utils.h>

#include <cmath>
#include <numbers>

#include "engine/torch/checkpoint.h"
#include "engine/torch/objective.h"

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
  return fmt::format("2 {} {} {} {} {} {} {} {} {} {} {} {}", static_cast<int>(o.loss),
                     static_cast<int>(o.optimizer), static_cast<int>(o.schedule), o.learning_rate,
                     o.momentum, o.weight_decay, o.label_smoothing, fmt::join(o.class_weights, ","),
                     o.epochs, o.batch, o.seed, o.identity);
}

// SplitMix64's finisher: neighbours draw unrelated numbers.
uint64_t mixed(uint64_t seed, int64_t epoch, int64_t step) {
  uint64_t x = seed * 0x9e3779b97f4a7c15U + static_cast<uint64_t>(epoch) * 0xd1342543de82ef95U +
               static_cast<uint64_t>(step);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

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
    if (options_.resume) {
      TRY_OK(
          load_checkpoint(options_.checkpoint, identity(options_), state_, module_, *optimizer_));
    }
    while (static_cast<int64_t>(state_.done.size()) < options_.epochs) {
      module_.train();
      auto finished = run_epoch();
      module_.eval();
      if (!finished) return std::unexpected(finished.error());
      if (*finished) TRY_OK(end_epoch());
      if (!options_.checkpoint.empty()) {
        TRY_OK(
            save_checkpoint(options_.checkpoint, identity(options_), state_, module_, *optimizer_));
      }
      if (!*finished) return Trained{state_.done, true};
      if (hooks_.epoch) hooks_.epoch(state_.done.back());
    }
    return Trained{state_.done, false};
  }

 private:
  // A batch of one sample would have no variance to normalise by, so the last one takes it in.
  int64_t steps_per_epoch() const {
    const int64_t count = training_.count(), batch = options_.batch;
    return batch == 1 ? count : std::max<int64_t>(1, (count - 1 + batch - 1) / batch);
  }

  int64_t epoch() const { return static_cast<int64_t>(state_.done.size()); }

  double learning_rate(int64_t step) const {
    if (options_.schedule == Schedule::kConstant) return options_.learning_rate;
    const auto all = static_cast<double>(steps_per_epoch() * options_.epochs);
    return options_.learning_rate *
           (1 + std::cos(std::numbers::pi * static_cast<double>(step) / all)) / 2;
  }

  // From state_.step on; false when a hook stopped it. What is drawn depends on epoch and step
  // alone, so that a resumed run draws what an uninterrupted one would have.
  Result<bool> run_epoch() {
    torch::manual_seed(mixed(options_.seed, epoch(), -1));
    const at::Tensor order = at::randperm(training_.count(), at::kLong);
    const int64_t* const all = order.data_ptr<int64_t>();
    const int64_t steps = steps_per_epoch();
    while (state_.step < steps) {
      const int64_t first = state_.step * options_.batch;
      const int64_t last = state_.step + 1 == steps ? training_.count() : first + options_.batch;
      TRY_OK(run_step({all + first, all + last}));
      ++state_.step;
      const auto seen = static_cast<double>(last);
      const int64_t done = epoch() * steps + state_.step;
      const StepReport report{
          static_cast<double>(done) / static_cast<double>(steps * options_.epochs), epoch() + 1,
          state_.loss / seen, state_.accuracy / seen};
      // The last step is followed by the end of the epoch, whatever the hook says.
      if (hooks_.step && !hooks_.step(report) && state_.step < steps) return false;
    }
    return true;
  }

  Result<> run_step(std::span<const int64_t> picked) {
    const uint64_t seed = mixed(options_.seed, epoch(), state_.step);
    torch::manual_seed(seed);
    TRY(batch, load_batch(module_, training_, options_.loss, picked, seed));
    const double rate = learning_rate(epoch() * steps_per_epoch() + state_.step);
    for (auto& group : optimizer_->param_groups()) group.options().set_lr(rate);
    optimizer_->zero_grad();
    TRY(outputs, module_.forward(std::vector<at::Tensor>{batch.inputs}));
    TRY(scored, score(objective_, outputs.at(0), batch.labels));
    const double value = scored.loss.item().toDouble();
    if (!std::isfinite(value)) {
      return invalid("the loss of epoch {} is {}: try a smaller learning rate", epoch() + 1, value);
    }
    scored.loss.backward();
    optimizer_->step();
    state_.loss += value * static_cast<double>(picked.size());
    if (scored.correct.defined()) state_.accuracy += scored.correct.sum().item().toDouble();
    return {};
  }

  Result<> end_epoch() {
    const auto count = static_cast<double>(training_.count());
    EpochReport report{epoch() + 1,
                       state_.loss / count,
                       state_.accuracy / count,
                       learning_rate((epoch() + 1) * steps_per_epoch() - 1),
                       {},
                       {}};
    if (validation_ != nullptr) {
      TRY(found, evaluate(module_, *validation_, options_.loss, options_.batch));
      report.validation_loss = found.loss;
      if (options_.loss == Loss::kCrossEntropy) report.validation_accuracy = found.accuracy;
    }
    state_.done.push_back(report);
    state_.step = 0;
    state_.loss = state_.accuracy = 0;
    return {};
  }

  SegmentModule& module_;
  Samples& training_;
  Samples* validation_;
  const TrainOptions& options_;
  const TrainHooks& hooks_;
  Objective objective_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  TrainState state_;
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
