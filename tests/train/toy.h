// A training run of milliseconds, for tests of the loop.
#pragma once

#include <gmock/gmock.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include "train/loop.h"

namespace cloister::test {

inline constexpr int64_t kRows = 23;

// Two linear learners against each other's error, one of them slower, with noise in each step: all
// that a run can get wrong when it goes on shows in their weights.
class Toy {
 public:
  Toy() {
    torch::manual_seed(11);
    x_ = at::randn({kRows, 3});
    y_ = x_.matmul(at::randn({3, 1}));
    first_ = at::ones({3, 1}).set_requires_grad(true);
    second_ = at::zeros({3, 1}).set_requires_grad(true);
    // Momentum and Adam's moments are state beside the weights.
    adam_ = std::make_unique<torch::optim::Adam>(std::vector<at::Tensor>{first_}, 1e-3);
    sgd_ = std::make_unique<torch::optim::SGD>(std::vector<at::Tensor>{second_},
                                               torch::optim::SGDOptions(1e-3).momentum(0.9));
    learners_ = {{{first_, steps_}, adam_.get()}, {{second_}, sgd_.get(), 0.5}};
  }

  LoopHooks hooks() {
    return {.step = [this](const LoopBatch& batch) { return step(batch); },
            .validate = []() -> Result<Validation> {
              return Validation{{}, 0.25};
            }};
  }

  Result<LoopResult> run(const LoopOptions& options) {
    return run_loop(learners_, options, hooks());
  }
  Result<LoopResult> run(const LoopOptions& options, const LoopHooks& hooks) {
    return run_loop(learners_, options, hooks);
  }

  // Everything that training changes, and what it drew.
  at::Tensor state() const { return at::cat({first_.detach(), second_.detach(), steps_}); }
  double first_rate() const { return learners_[0].optimizer->param_groups()[0].options().get_lr(); }
  double second_rate() const {
    return learners_[1].optimizer->param_groups()[0].options().get_lr();
  }

  std::vector<std::vector<int64_t>> batches;  // the rows of each step

 private:
  Result<StepScore> step(const LoopBatch& batch) {
    batches.emplace_back(batch.rows.data_ptr<int64_t>(),
                         batch.rows.data_ptr<int64_t>() + batch.rows.numel());
    const at::Tensor x = x_.index_select(0, batch.rows) + 0.1 * at::randn({batch.rows.size(0), 3});
    const at::Tensor error = x.matmul(first_ + second_) - y_.index_select(0, batch.rows);
    const at::Tensor loss = error.square().mean();
    for (const Learner& learner : learners_) learner.optimizer->zero_grad();
    loss.backward();
    for (const Learner& learner : learners_) learner.optimizer->step();
    steps_ += 1;
    return StepScore{loss.item<double>(), 1, static_cast<double>(batch.rows.size(0))};
  }

  at::Tensor x_, y_, first_, second_;
  at::Tensor steps_ = at::zeros({1, 1});  // a buffer
  std::unique_ptr<torch::optim::Optimizer> adam_, sgd_;
  std::vector<Learner> learners_;
};

inline LoopOptions options(Chance chance, uint64_t seed = 1) {
  return {.rows = kRows,
          .epochs = 5,
          .batch = 4,
          .learning_rate = 0.05,
          .seed = seed,
          .chance = chance,
          .identity = "toy"};
}

inline void expect_same(const LoopResult& a, const LoopResult& b) {
  ASSERT_EQ(a.epochs.size(), b.epochs.size());
  for (size_t i = 0; i < a.epochs.size(); ++i) {
    EXPECT_EQ(a.epochs[i].epoch, b.epochs[i].epoch);
    EXPECT_EQ(a.epochs[i].loss, b.epochs[i].loss) << i;
    EXPECT_EQ(a.epochs[i].accuracy, b.epochs[i].accuracy) << i;
    EXPECT_EQ(a.epochs[i].learning_rate, b.epochs[i].learning_rate) << i;
    EXPECT_EQ(a.epochs[i].validation_loss, b.epochs[i].validation_loss) << i;
    EXPECT_EQ(a.epochs[i].validation_score, b.epochs[i].validation_score) << i;
  }
}

}  // namespace cloister::test
