#include "train/loop.h"

#include <limits>

#include "tests/support/temp_dir.h"
#include "tests/train/toy.h"

namespace cloister {
namespace {

using namespace test;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kSeeds[] = {1, 2, 0xfffffffffffffffbU};

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
  LoopOptions unseeded = options(Chance::kCallers);
  unseeded.checkpoint = "state.pt";
  EXPECT_EQ(toy.run(unseeded).error().kind, Kind::kUsage);
}

}  // namespace
}  // namespace cloister
