#include "train/loop.h"

#include <gmock/gmock.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kRows = 23;
constexpr uint64_t kSeeds[] = {1, 2, 0xfffffffffffffffbU};

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

LoopOptions options(Chance chance, uint64_t seed = 1) {
  return {.rows = kRows,
          .epochs = 5,
          .batch = 4,
          .learning_rate = 0.05,
          .seed = seed,
          .chance = chance,
          .identity = "toy"};
}

void expect_same(const LoopResult& a, const LoopResult& b) {
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

// --- resume

class LoopResume : public ::testing::TestWithParam<std::tuple<Chance, uint64_t>> {
 protected:
  void SetUp() override {
    fmt::print("seed {}\n", std::get<1>(GetParam()));
    options_ = options(std::get<0>(GetParam()), std::get<1>(GetParam()));
    Toy toy;
    whole_ = *toy.run(options_);
    want_ = toy.state();
    options_.checkpoint = dir_ / "folder" / "state.pt";
  }

  void expect_the_same_end() {
    Toy toy;
    const auto resumed = toy.run(options_);
    ASSERT_TRUE(resumed) << resumed.error().message;
    expect_same(*resumed, whole_);
    EXPECT_TRUE(at::equal(toy.state(), want_));
  }

  const test::TempDir dir_;
  LoopOptions options_;
  LoopResult whole_;
  at::Tensor want_;
};

// Killed at any step: what is on the disk then is the last epoch's state.
TEST_P(LoopResume, AfterARunThatWasKilled) {
  for (const size_t steps : {1U, 6U, 7U, 20U, 29U}) {
    SCOPED_TRACE(steps);
    fs::remove(options_.checkpoint);
    {
      Toy toy;
      LoopHooks hooks = toy.hooks();
      hooks.progress = [&](const StepReport&, auto) -> Result<bool> {
        if (toy.batches.size() == steps) throw std::runtime_error("killed");
        return true;
      };
      EXPECT_THROW(static_cast<void>(toy.run(options_, hooks)), std::runtime_error);
    }
    expect_the_same_end();
  }
}

TEST_P(LoopResume, AfterARunThatWasStoppedAgainAndAgain) {
  for (int stops = 0; stops < 12; ++stops) {
    Toy toy;
    LoopHooks hooks = toy.hooks();
    hooks.progress = [&](const StepReport&, auto) -> Result<bool> {
      return toy.batches.size() < 7;  // an epoch has 6 steps
    };
    const auto stopped = toy.run(options_, hooks);
    ASSERT_TRUE(stopped) << stopped.error().message;
    if (!stopped->stopped) break;
  }
  expect_the_same_end();
}

TEST_P(LoopResume, AfterARunThatWasDone) {
  ASSERT_TRUE(Toy().run(options_));
  Toy toy;
  const auto again = toy.run(options_);
  ASSERT_TRUE(again);
  EXPECT_THAT(toy.batches, IsEmpty());
  EXPECT_EQ(again->rows, 0);
  expect_same(*again, whole_);
  EXPECT_TRUE(at::equal(toy.state(), want_));
}

// What it was stopped for holds after it was resumed, too.
TEST_P(LoopResume, AfterEnoughEpochs) {
  for (const bool again : {false, true}) {
    Toy toy;
    LoopHooks hooks = toy.hooks();
    hooks.enough = [](std::span<const LoopEpoch> done) { return done.size() == 2; };
    const auto brief = toy.run(options_, hooks);
    ASSERT_TRUE(brief);
    EXPECT_FALSE(brief->stopped);
    EXPECT_EQ(brief->epochs.size(), 2U);
    EXPECT_EQ(toy.batches.size(), again ? 0U : 12U);
  }
  expect_the_same_end();
}

INSTANTIATE_TEST_SUITE_P(All, LoopResume,
                         ::testing::Combine(::testing::Values(Chance::kByStep, Chance::kByEpoch),
                                            ::testing::ValuesIn(kSeeds)),
                         [](const auto& test) {
                           return fmt::format(
                               "{}_{}",
                               std::get<0>(test.param) == Chance::kByStep ? "by_step" : "by_epoch",
                               std::get<1>(test.param));
                         });

// --- files that are of something else, or damaged

class Foreign : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.checkpoint = dir_ / "state.pt";
    ASSERT_TRUE(Toy().run(options_));
    content_ = *read_file(options_.checkpoint);
    Toy toy;
    LoopOptions plain = options_;
    plain.checkpoint.clear();
    whole_ = *toy.run(plain);
    want_ = toy.state();
  }

  void expect_refused(Kind kind, const std::string& message) {
    Toy toy;
    const at::Tensor before = toy.state().clone();
    options_.replace_foreign = false;
    const auto refused = toy.run(options_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kind);
    EXPECT_THAT(refused.error().message, HasSubstr(message));
    EXPECT_THAT(refused.error().message, HasSubstr("state.pt"));
    EXPECT_TRUE(at::equal(toy.state(), before));
    EXPECT_THAT(toy.batches, IsEmpty());
  }

  // As if there were no file; it is replaced.
  void expect_anew() {
    options_.replace_foreign = true;
    for (const size_t steps : {30U, 0U}) {
      Toy toy;
      const auto anew = toy.run(options_);
      ASSERT_TRUE(anew) << anew.error().message;
      EXPECT_EQ(toy.batches.size(), steps);
      expect_same(*anew, whole_);
      EXPECT_TRUE(at::equal(toy.state(), want_));
    }
  }

  void expect_damaged(const std::string& content) {
    ASSERT_TRUE(write_file(options_.checkpoint, content));
    expect_refused(Kind::kInvalid, "damaged");
    expect_anew();
  }

  const test::TempDir dir_;
  LoopOptions options_ = options(Chance::kByEpoch);
  std::string content_;
  LoopResult whole_;
  at::Tensor want_;
};

TEST_F(Foreign, AnotherIdentity) {
  options_.identity = "another";
  expect_refused(Kind::kRefused, "of another model, other data or other options");
  expect_anew();
}

TEST_F(Foreign, IsNotLookedAtWithoutResume) {
  options_.identity = "another";
  options_.resume = false;
  Toy toy;
  ASSERT_TRUE(toy.run(options_));
  EXPECT_TRUE(at::equal(toy.state(), want_));
}

TEST_F(Foreign, Truncated) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{22}, size_t{53}, size_t{54}, size_t{55},
                            content_.size() / 2, content_.size() - 1}) {
    SCOPED_TRACE(size);
    expect_damaged(content_.substr(0, size));
  }
}

TEST_F(Foreign, AByteOfItChanged) {
  const size_t step = content_.size() / 16;
  for (size_t at = 3; at < content_.size(); at += step) {
    SCOPED_TRACE(at);
    std::string changed = content_;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    expect_damaged(changed);
  }
}

TEST_F(Foreign, NoCheckpointAtAll) {
  expect_damaged("not a checkpoint");
  expect_damaged(std::string(5000, '\0'));
  expect_damaged(content_ + "more");
}

// --- order, schedule, what hooks are told

std::vector<size_t> batch_sizes(LastBatch last, int64_t rows, int64_t batch) {
  Toy toy;
  LoopOptions one = options(Chance::kByStep);
  one.rows = rows;
  one.batch = batch;
  one.epochs = 1;
  one.last_batch = last;
  EXPECT_TRUE(toy.run(one));
  std::vector<size_t> sizes;
  std::vector<int64_t> seen;
  for (const auto& rows_of_step : toy.batches) {
    sizes.push_back(rows_of_step.size());
    seen.insert(seen.end(), rows_of_step.begin(), rows_of_step.end());
  }
  // No row twice.
  std::ranges::sort(seen);
  EXPECT_TRUE(std::ranges::adjacent_find(seen) == seen.end());
  return sizes;
}

TEST(Loop, TheLastBatch) {
  EXPECT_THAT(batch_sizes(LastBatch::kDropped, 7, 3), ElementsAre(3, 3));
  EXPECT_THAT(batch_sizes(LastBatch::kShort, 7, 3), ElementsAre(3, 3, 1));
  EXPECT_THAT(batch_sizes(LastBatch::kJoined, 7, 3), ElementsAre(3, 4));
  EXPECT_THAT(batch_sizes(LastBatch::kJoined, 8, 3), ElementsAre(3, 3, 2));
  EXPECT_THAT(batch_sizes(LastBatch::kJoined, 3, 1), ElementsAre(1, 1, 1));
  for (const LastBatch last : {LastBatch::kDropped, LastBatch::kShort, LastBatch::kJoined}) {
    EXPECT_THAT(batch_sizes(last, 6, 3), ElementsAre(3, 3));
    EXPECT_THAT(batch_sizes(last, 2, 3), ElementsAre(2));
    EXPECT_THAT(batch_sizes(last, 1, 3), ElementsAre(1));
    EXPECT_THAT(batch_sizes(last, 5, std::numeric_limits<int64_t>::max()), ElementsAre(5));
  }
}

TEST(Loop, EpochsDifferAndSeedsDifferAndTheSameIsTheSame) {
  const auto batches = [](Chance chance, uint64_t seed) {
    Toy toy;
    EXPECT_TRUE(toy.run(options(chance, seed)));
    return toy.batches;
  };
  for (const Chance chance : {Chance::kByStep, Chance::kByEpoch}) {
    const auto once = batches(chance, 1);
    EXPECT_EQ(once, batches(chance, 1));
    EXPECT_NE(once, batches(chance, 2));
    EXPECT_NE(once[0], once[6]);
  }
}

TEST(Loop, ChanceOfTheCallerIsLeftAlone) {
  const auto batches = [](uint64_t seed) {
    Toy toy;
    torch::manual_seed(seed);
    EXPECT_TRUE(toy.run(options(Chance::kCallers)));
    return toy.batches;
  };
  EXPECT_EQ(batches(1), batches(1));
  EXPECT_NE(batches(1), batches(2));
}

TEST(Loop, LearningRates) {
  for (const Schedule schedule : {Schedule::kConstant, Schedule::kCosine}) {
    Toy toy;
    LoopOptions plain = options(Chance::kByStep);
    plain.schedule = schedule;
    std::vector<double> rates;
    LoopHooks hooks = toy.hooks();
    hooks.progress = [&](const StepReport&, auto) -> Result<bool> {
      rates.push_back(toy.first_rate());
      EXPECT_EQ(toy.second_rate(), toy.first_rate() / 2);
      return true;
    };
    const auto ran = toy.run(plain, hooks);
    ASSERT_TRUE(ran);
    ASSERT_EQ(rates.size(), 30U);
    EXPECT_EQ(rates[0], 0.05);
    EXPECT_EQ(ran->epochs.back().learning_rate, rates.back());
    if (schedule == Schedule::kConstant) {
      EXPECT_THAT(rates, Each(0.05));
    } else {
      EXPECT_NEAR(rates[15], 0.025, 1e-12);  // halfway down the cosine
      EXPECT_NEAR(rates[10], 0.0375, 1e-12);
      EXPECT_LT(rates.back(), 0.05 * 0.003);
    }
  }
}

TEST(Loop, TellsWhatItDoes) {
  Toy toy;
  LoopHooks hooks = toy.hooks();
  std::string told;
  double share = 0;
  hooks.training = [&](bool on) { told += on ? "(" : ")"; };
  hooks.progress = [&](const StepReport& step, std::span<const LoopEpoch> done) -> Result<bool> {
    EXPECT_GT(step.done_share, share);
    share = step.done_share;
    EXPECT_EQ(step.epoch, static_cast<int64_t>(done.size()) + 1);
    told += ".";
    return true;
  };
  hooks.validate = [&]() -> Result<Validation> {
    told += "v";
    return Validation{0.5, 0.25};
  };
  hooks.epoch = [&](const LoopEpoch& epoch) -> Result<> {
    EXPECT_EQ(epoch.validation_loss, 0.5);
    EXPECT_EQ(epoch.validation_score, 0.25);
    EXPECT_NEAR(epoch.accuracy, 6.0 / kRows, 1e-12);  // one right answer a step
    told += "e";
    return {};
  };
  LoopOptions two = options(Chance::kByStep);
  two.epochs = 2;
  const auto ran = toy.run(two, hooks);
  ASSERT_TRUE(ran);
  EXPECT_EQ(told, "(......)ve(......)ve");
  EXPECT_EQ(share, 1);
  EXPECT_EQ(ran->rows, 2 * kRows);
  EXPECT_GT(ran->seconds, 0);
}

TEST(Loop, AnErrorEndsItAndSavesNothing) {
  const test::TempDir dir;
  LoopOptions saved = options(Chance::kByStep);
  saved.checkpoint = dir / "state.pt";
  Toy toy;
  LoopHooks hooks = toy.hooks();
  bool training = false;
  hooks.training = [&](bool on) { training = on; };
  hooks.progress = [&](const StepReport&, auto) -> Result<bool> {
    return fail(Kind::kIo, "no more");
  };
  const auto failed = toy.run(saved, hooks);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "no more");
  EXPECT_FALSE(training);
  EXPECT_FALSE(fs::exists(saved.checkpoint));
}

TEST(Loop, RefusesWhatCanNotBe) {
  Toy toy;
  LoopHooks hooks = toy.hooks();
  hooks.step = [](const LoopBatch&) -> Result<StepScore> {
    return StepScore{std::numeric_limits<double>::infinity()};
  };
  EXPECT_THAT(toy.run(options(Chance::kByStep), hooks).error().message,
              HasSubstr("the loss of epoch 1 is inf"));
  for (int64_t LoopOptions::*what : {&LoopOptions::rows, &LoopOptions::batch}) {
    LoopOptions wrong = options(Chance::kByStep);
    wrong.*what = 0;
    EXPECT_EQ(toy.run(wrong).error().kind, Kind::kUsage);
  }
}

}  // namespace
}  // namespace cloister
