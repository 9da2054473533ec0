#include "train/loop.h"

#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

namespace cloister {
namespace {

// SplitMix64's finisher: neighbours draw unrelated numbers.
uint64_t mixed(uint64_t seed, int64_t epoch, int64_t step) {
  uint64_t x = seed * 0x9e3779b97f4a7c15U + static_cast<uint64_t>(epoch) * 0xd1342543de82ef95U +
               static_cast<uint64_t>(step);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

int64_t steps_in(const LoopOptions& o) {
  switch (o.last_batch) {
    case LastBatch::kDropped:
      return std::max<int64_t>(1, o.rows / o.batch);
    case LastBatch::kShort:
      return (o.rows - 1) / o.batch + 1;
    case LastBatch::kJoined:
      return o.batch == 1 || o.rows == 1 ? o.rows : (o.rows - 2) / o.batch + 1;
  }
  return 0;
}

class Loop {
 public:
  Loop(std::span<const Learner> learners, const LoopOptions& options, const LoopHooks& hooks)
      : learners_(learners), options_(options), hooks_(hooks), steps_(steps_in(options)) {}

  Result<LoopResult> run() {
    TRY_OK(resume());
    while (epoch() < options_.epochs && !(hooks_.enough && hooks_.enough(state_.done))) {
      if (hooks_.training) hooks_.training(true);
      const auto start = std::chrono::steady_clock::now();
      const auto finished = run_epoch();
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      result_.seconds += taken.count();
      if (hooks_.training) hooks_.training(false);
      if (!finished) return std::unexpected(finished.error());
      if (*finished) TRY_OK(end_epoch());
      const bool has_state = *finished || options_.chance == Chance::kByStep;
      if (!options_.checkpoint.empty() && has_state) {
        TRY_OK(save_checkpoint(options_.checkpoint, options_.identity, state_, learners_));
      }
      result_.stopped = !*finished;
      if (result_.stopped) break;
      if (hooks_.epoch) TRY_OK(hooks_.epoch(state_.done.back()));
    }
    result_.epochs = state_.done;
    return result_;
  }

 private:
  int64_t epoch() const { return static_cast<int64_t>(state_.done.size()); }
  int64_t all_steps() const { return steps_ * options_.epochs; }

  Result<> resume() {
    if (options_.checkpoint.empty() || !options_.resume) return {};
    auto found = load_checkpoint(options_.checkpoint, options_.identity, learners_);
    if (!found && options_.replace_foreign) return {};
    if (!found) return std::unexpected(found.error());
    if (!*found) return {};
    if ((*found)->step < 0 || (*found)->step >= steps_) {
      return invalid("checkpoint '{}': damaged: step {} of {}",
                     printable(options_.checkpoint.string(), 400), (*found)->step, steps_);
    }
    state_ = std::move(**found);
    return {};
  }

  double learning_rate(int64_t step) const {
    if (options_.schedule == Schedule::kConstant) return options_.learning_rate;
    const auto all = static_cast<double>(all_steps());
    return options_.learning_rate *
           (1 + std::cos(std::numbers::pi * static_cast<double>(step) / all)) / 2;
  }

  void set_learning_rate(int64_t step) const {
    const double rate = learning_rate(step);
    for (const Learner& learner : learners_) {
      for (auto& group : learner.optimizer->param_groups()) {
        group.options().set_lr(rate * learner.rate_share);
      }
    }
  }

  at::Tensor draw_order() const {
    switch (options_.chance) {
      case Chance::kByStep:
        torch::manual_seed(mixed(options_.seed, epoch(), -1));
        break;
      case Chance::kByEpoch:
        torch::manual_seed(options_.seed * 1'000'003 + static_cast<uint64_t>(epoch()));
        break;
      case Chance::kCallers:
        break;
    }
    return at::randperm(options_.rows, at::kLong);
  }

  // From state_.step on; false when a hook stopped it.
  Result<bool> run_epoch() {
    const at::Tensor order = draw_order();
    while (state_.step < steps_) {
      const int64_t first = state_.step * options_.batch;
      const bool rest = state_.step + 1 == steps_ && options_.last_batch != LastBatch::kDropped;
      const int64_t last = rest ? options_.rows : std::min(first + options_.batch, options_.rows);
      TRY_OK(run_step(order.slice(0, first, last)));
      TRY(go_on, report_step());
      if (!go_on && state_.step < steps_) return false;
    }
    return true;
  }

  Result<> run_step(const at::Tensor& rows) {
    LoopBatch batch{rows, epoch() + 1, 0};
    if (options_.chance == Chance::kByStep) {
      batch.seed = mixed(options_.seed, epoch(), state_.step);
      torch::manual_seed(batch.seed);
    }
    set_learning_rate(epoch() * steps_ + state_.step);
    TRY(score, hooks_.step(batch));
    if (!std::isfinite(score.loss)) {
      return invalid("the loss of epoch {} is {}", batch.epoch, score.loss);
    }
    state_.loss += score.loss * score.weight;
    state_.correct += score.correct;
    state_.weight += score.weight;
    ++state_.step;
    result_.rows += rows.size(0);
    return {};
  }

  Result<bool> report_step() const {
    if (!hooks_.progress) return true;
    const int64_t done = epoch() * steps_ + state_.step;
    return hooks_.progress(
        {static_cast<double>(done) / static_cast<double>(all_steps()), epoch() + 1,
         state_.loss / state_.weight, state_.correct / state_.weight},
        state_.done);
  }

  Result<> end_epoch() {
    LoopEpoch done{epoch() + 1,
                   state_.loss / state_.weight,
                   state_.correct / state_.weight,
                   learning_rate((epoch() + 1) * steps_ - 1),
                   {},
                   {}};
    if (hooks_.validate) {
      TRY(found, hooks_.validate());
      done.validation_loss = found.loss;
      done.validation_score = found.score;
    }
    state_.done.push_back(done);
    state_.step = 0;
    state_.loss = state_.correct = state_.weight = 0;
    return {};
  }

  const std::span<const Learner> learners_;
  const LoopOptions& options_;
  const LoopHooks& hooks_;
  const int64_t steps_;  // in an epoch
  LoopState state_;
  LoopResult result_;
};

}  // namespace

Result<LoopResult> run_loop(std::span<const Learner> learners, const LoopOptions& options,
                            const LoopHooks& hooks) {
  if (options.rows < 1 || options.epochs < 0 || options.batch < 1) {
    return fail(Kind::kUsage, "{} rows in batches of {}, {} epochs: want 1, 1 and 0 or more",
                options.rows, options.batch, options.epochs);
  }
  if (options.chance == Chance::kCallers && !options.checkpoint.empty()) {
    return fail(Kind::kUsage, "a checkpoint of a run whose chance is the caller's");
  }
  return Loop(learners, options, hooks).run();
}

}  // namespace cloister
