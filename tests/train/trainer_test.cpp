#include "train/trainer.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/engine/small_models.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::node;
using ::testing::HasSubstr;

// Two layers with BatchNormalization and Dropout between them, on four features.
Segment network() {
  return test::small_segment(
      {{"x", DType::kF32, {-1, 4}}},
      node("Gemm", {"x", "a.weight", "a.bias"}, "h") +
          node("BatchNormalization", {"h", "n.weight", "n.bias", "n.mean", "n.var"}, "n") +
          node("Relu", {"n"}, "r") + node("Dropout", {"r", "ratio"}, "d") +
          node("Gemm", {"d", "b.weight", "b.bias"}, "y"),
      {{"y", DType::kF32, {-1, 2}}},
      {{"a.weight", test::pattern({4, 16})},
       {"a.bias", test::pattern({16})},
       {"n.weight", test::floats({16}, std::vector<float>(16, 1))},
       {"n.bias", *Tensor::make(DType::kF32, {16})},
       {"n.mean", *Tensor::make(DType::kF32, {16})},
       {"n.var", test::floats({16}, std::vector<float>(16, 1))},
       {"ratio", test::floats({}, {0.1F})},
       {"b.weight", test::pattern({16, 2})},
       {"b.bias", test::pattern({2})}});
}

struct Data {
  Tensor inputs = test::pattern({200, 4});
  Tensor labels = *Tensor::make(DType::kI64, {200});

  // The class: whether the first two features have the same sign.
  Data() {
    for (size_t i = 0; i < 200; ++i) {
      const bool same = (inputs.as<float>()[4 * i] > 0) == (inputs.as<float>()[4 * i + 1] > 0);
      labels.mutable_as<int64_t>()[i] = same ? 1 : 0;
    }
  }
};

struct Ran {
  std::shared_ptr<SegmentModule> module;
  Result<std::vector<EpochReport>> reports;
};

Ran run(const TrainOptions& options, const Data& samples = {}) {
  auto module = *SegmentModule::make(network());
  auto reports = train(*module, samples.inputs.view(), samples.labels.view(), options,
                       [](const EpochReport&) {});
  return {module, std::move(reports)};
}

TEST(Trainer, Learns) {
  const Ran trained = run({.learning_rate = 0.02, .epochs = 60, .batch = 32});
  ASSERT_TRUE(trained.reports) << trained.reports.error().message;
  EXPECT_EQ(trained.reports->size(), 60u);
  EXPECT_LT(trained.reports->back().loss, 0.7 * trained.reports->front().loss);
  EXPECT_GT(trained.reports->back().accuracy, 0.75);
  EXPECT_FALSE(trained.module->is_training());
}

class Resume : public ::testing::TestWithParam<Optimizer> {};

TEST_P(Resume, GivesWhatAnUninterruptedRunGives) {
  TrainOptions options{.optimizer = GetParam(), .learning_rate = 0.01, .epochs = 6, .batch = 32};
  const Ran whole = run(options);
  ASSERT_TRUE(whole.reports) << whole.reports.error().message;

  const test::TempDir folder;
  options.checkpoint = folder.path();
  options.resume = true;
  const Data samples;
  {
    const auto module = *SegmentModule::make(network());
    int64_t epochs = 0;
    // As if killed after the third epoch: its state is what is on the disk then.
    const auto interrupted = train(*module, samples.inputs.view(), samples.labels.view(), options,
                                   [&](const EpochReport&) {
                                     if (++epochs == 3) throw std::runtime_error("killed");
                                   });
    ASSERT_FALSE(interrupted);
  }
  const Ran resumed = run(options);
  ASSERT_TRUE(resumed.reports) << resumed.reports.error().message;
  ASSERT_EQ(resumed.reports->size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ((*resumed.reports)[i].loss, (*whole.reports)[i].loss) << i;
  }
  for (const auto& [name, value] : whole.module->weights()) {
    EXPECT_TRUE(at::equal(value, resumed.module->weights().at(name))) << name;
  }

  options.seed = 2;
  const Ran other = run(options);
  ASSERT_FALSE(other.reports);
  EXPECT_EQ(other.reports.error().kind, Kind::kRefused);
}

INSTANTIATE_TEST_SUITE_P(All, Resume, ::testing::Values(Optimizer::kAdam, Optimizer::kSgd),
                         [](const auto& test) {
                           return test.param == Optimizer::kAdam ? "adam" : "sgd";
                         });

// Stopped by the hook inside an epoch, as by Ctrl-C: what is kept is that step's state.
TEST(Trainer, GoesOnInsideAnEpoch) {
  TrainOptions options{.learning_rate = 0.01, .epochs = 3, .batch = 32};
  const Ran whole = run(options);
  ASSERT_TRUE(whole.reports);
  const test::TempDir folder;
  options.checkpoint = folder.path();
  options.resume = true;
  const Data data;
  auto samples = *ArraySamples::make(data.inputs.view(), data.labels.view());
  for (const int64_t steps : {2, 9}) {
    const auto module = *SegmentModule::make(network());
    int64_t left = steps;
    const auto stopped =
        train(*module, samples, nullptr, options,
              {.step = [&](const StepReport&) { return --left > 0; }, .epoch = {}});
    ASSERT_TRUE(stopped) << stopped.error().message;
    EXPECT_TRUE(stopped->stopped);
  }
  const Ran resumed = run(options);
  ASSERT_TRUE(resumed.reports) << resumed.reports.error().message;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*resumed.reports)[i].loss, (*whole.reports)[i].loss) << i;
    EXPECT_EQ((*resumed.reports)[i].accuracy, (*whole.reports)[i].accuracy) << i;
  }
  for (const auto& [name, value] : whole.module->weights()) {
    EXPECT_TRUE(at::equal(value, resumed.module->weights().at(name))) << name;
  }
}

TEST(Trainer, ScoresWhatWasHeldOut) {
  const Data data;
  auto samples = *ArraySamples::make(data.inputs.view(), data.labels.view());
  const auto module = *SegmentModule::make(network());
  double share = 0;
  const auto trained =
      train(*module, samples, &samples, {.learning_rate = 0.02, .epochs = 40, .batch = 33},
            {.step =
                 [&](const StepReport& step) {
                   EXPECT_GT(step.done_share, share);
                   share = step.done_share;
                   return true;
                 },
             .epoch = [](const EpochReport& epoch) { EXPECT_TRUE(epoch.validation_accuracy); }});
  ASSERT_TRUE(trained) << trained.error().message;
  EXPECT_FALSE(trained->stopped);
  EXPECT_EQ(share, 1);
  const auto found = evaluate(*module, samples, Loss::kCrossEntropy, 7);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_NEAR(found->accuracy, *trained->epochs.back().validation_accuracy, 1e-9);
  EXPECT_NEAR(found->loss, *trained->epochs.back().validation_loss, 1e-5);
  ASSERT_EQ(found->classes.size(), 2u);
  EXPECT_EQ(found->classes[0].samples + found->classes[1].samples, 200);
  EXPECT_EQ(found->classes[0].correct + found->classes[1].correct,
            std::llround(200 * found->accuracy));
}

TEST(Trainer, ClassWeightsAndSmoothingChangeTheLoss) {
  const Ran plain = run({.epochs = 1});
  const Ran weighted = run({.class_weights = {1, 9}, .epochs = 1});
  const Ran smooth = run({.label_smoothing = 0.3, .epochs = 1});
  ASSERT_TRUE(plain.reports && weighted.reports && smooth.reports);
  EXPECT_NE((*plain.reports)[0].loss, (*weighted.reports)[0].loss);
  EXPECT_NE((*plain.reports)[0].loss, (*smooth.reports)[0].loss);
  EXPECT_THAT(run({.class_weights = {1}}).reports.error().message, HasSubstr("1 class weights"));
}

// BatchNormalization has no variance to take from one sample.
TEST(Trainer, ALastBatchOfOneSampleJoinsTheOneBefore) {
  EXPECT_TRUE(run({.epochs = 1, .batch = 199}).reports);
}

TEST(Trainer, RefusesDataThatDoesNotFit) {
  Data samples;
  samples.labels.mutable_as<int64_t>()[7] = 2;
  EXPECT_THAT(run({}, samples).reports.error().message, HasSubstr("the model has 2 classes"));
  samples.labels = *Tensor::make(DType::kI64, {199});
  EXPECT_THAT(run({}, samples).reports.error().message, HasSubstr("must be equal"));
  samples = {};
  samples.inputs.mutable_as<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(run({}, samples).reports.error().message, HasSubstr("not finite"));
  EXPECT_EQ(run({.epochs = 0}).reports.error().kind, Kind::kUsage);
}

}  // namespace
}  // namespace cloister
