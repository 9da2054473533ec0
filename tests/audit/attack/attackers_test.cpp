// Every row of the table makes an attacker, which works and costs what the row says.
#include "audit/attack/attackers.h"

#include <gmock/gmock.h>

#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

using namespace test;

class EveryAttacker : public ::testing::TestWithParam<AttackerInfo> {
 protected:
  static constexpr int64_t kCount = 128;
  static constexpr int64_t kAttacked = 5;

  AttackContext context(int64_t iterations = 3) {
    AttackContext context;
    context.effort = {.network = {.width = 8, .blocks = 1},
                      .epochs = 2,
                      .batch = 32,
                      .iterations = iterations,
                      .restarts = 1};
    context.score = [](const at::Tensor&, const Pairs&) { return Result<double>(0.0); };
    context.identity = "test";
    context.tick = [this](double, const std::string&) -> Result<> {
      ++ticks_;
      return {};
    };
    return context;
  }

  // Made, with what it starts from fitted.
  std::shared_ptr<Attacker> made(const AttackerInfo& info) {
    auto attacker = make_attacker(info, [&](const AttackerInfo& first) {
      EXPECT_EQ(first.name, info.start);
      auto fitted = made(first);
      EXPECT_TRUE(fitted->fit(parts_.train, parts_.validation, context()));
      return Result<std::shared_ptr<Attacker>>(std::move(fitted));
    });
    EXPECT_TRUE(attacker);
    EXPECT_NE(*attacker, nullptr);
    return attacker.value_or(nullptr);
  }

  // Progress that is told while `n` inputs are attacked.
  int64_t ticks(Attacker& attacker, const AttackContext& context) {
    ticks_ = 0;
    const auto rebuilt = attacker.reconstruct(parts_.test.first(kAttacked), context);
    EXPECT_TRUE(rebuilt) << rebuilt.error().message;
    EXPECT_EQ(rebuilt->sizes().vec(), (Shape{kAttacked, 3, kSide, kSide}));
    EXPECT_TRUE(at::isfinite(*rebuilt).all().item<bool>());
    EXPECT_GE(rebuilt->min().item<float>(), 0);
    EXPECT_LE(rebuilt->max().item<float>(), 1);
    return ticks_;
  }

  Parts parts_ = parts_of(store_of(picture_head(), pictures(kCount)), kCount);
  int64_t ticks_ = 0;
};

TEST_P(EveryAttacker, RebuildsAtTheCostOfItsRow) {
  const auto attacker = made(GetParam());
  ASSERT_NE(attacker, nullptr);
  const auto fit = attacker->fit(parts_.train, parts_.validation, context());
  ASSERT_TRUE(fit) << fit.error().message;
  // What --estimate multiplies.
  const AttackCost cost = GetParam().cost;
  EXPECT_EQ(fit->curve.size(), cost == AttackCost::kEpochs ? 2u : 0u);
  EXPECT_EQ(fit->inputs_per_second > 0, cost == AttackCost::kEpochs);
  const int64_t few = ticks(*attacker, context(3)), many = ticks(*attacker, context(30));
  EXPECT_EQ(many > few, cost == AttackCost::kIterations) << few << " and " << many;
  EXPECT_EQ(GetParam().subsampled, cost == AttackCost::kIterations);
}

TEST_P(EveryAttacker, GivesOnTheErrorOfWhatItStartsFrom) {
  const auto attacker =
      make_attacker(GetParam(), [](const AttackerInfo&) -> Result<std::shared_ptr<Attacker>> {
        return fail(Kind::kIo, "stopped");
      });
  EXPECT_EQ(attacker.has_value(), GetParam().start.empty());
}

INSTANTIATE_TEST_SUITE_P(All, EveryAttacker, ::testing::ValuesIn(kAttackers), [](const auto& test) {
  std::string name;
  for (const char c : test.param.name) name += std::isalnum(c) ? c : '_';
  return name;
});

TEST(MakeAttacker, HasNothingToFallBackOn) {
  const auto attacker = make_attacker({.name = "cgam"}, {});
  ASSERT_FALSE(attacker);
  EXPECT_EQ(attacker.error().message, "attacker 'cgam' has no maker");
}

}  // namespace
}  // namespace cloister::audit
