// Attackers must rebuild what can be rebuilt, and must not where nothing is there.
#include "audit/attack/attacker.h"

#include <gmock/gmock.h>

#include "audit/attack/label_probe.h"
#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

using namespace test;
using ::testing::HasSubstr;

AttackContext context(int64_t epochs = 25) {
  AttackContext context;
  context.effort = {.network = {.width = 16, .blocks = 1},
                    .epochs = epochs,
                    .batch = 32,
                    .learning_rate = 4e-3,
                    .iterations = 150,
                    .restarts = 2};
  context.seed = 7;
  context.score = [](const at::Tensor& rebuilt, const Pairs& pairs) -> Result<double> {
    return mean_ssim(rebuilt, pairs);
  };
  context.identity = "test";
  context.tick = kSilent;
  return context;
}

class Pictures : public ::testing::Test {
 protected:
  static constexpr int64_t kCount = 576;
  std::shared_ptr<const FeatureStore> store_ = store_of(picture_head(), pictures(kCount));
  Parts parts_ = parts_of(store_, kCount);

  double attack(Attacker& attacker, const Pairs& train, const Pairs& validation) {
    const auto fit = attacker.fit(train, validation, context());
    EXPECT_TRUE(fit) << fit.error().message;
    const auto rebuilt = attacker.reconstruct(parts_.test, context());
    EXPECT_TRUE(rebuilt) << rebuilt.error().message;
    EXPECT_EQ(rebuilt->sizes().vec(), (Shape{32, 3, kSide, kSide}));
    return mean_ssim(*rebuilt, parts_.test);
  }
};

TEST_F(Pictures, InverseNetRebuilds) {
  EXPECT_GT(attack(*make_inverse_net(), parts_.train, parts_.validation), 0.8);
}

TEST_F(Pictures, CganRebuilds) {
  EXPECT_GT(attack(*make_cgan(), parts_.train, parts_.validation), 0.75);
}

TEST_F(Pictures, NothingComesBackFromShuffledPairs) {
  EXPECT_LT(attack(*make_inverse_net(), parts_.train.shuffled(), parts_.validation.shuffled()),
            0.4);
}

TEST_F(Pictures, RmleRebuilds) {
  EXPECT_GT(attack(*make_rmle(), parts_.train, parts_.validation), 0.9);
}

TEST_F(Pictures, RmleGoesOnFromTheInverseNet) {
  const std::shared_ptr<Attacker> first = make_inverse_net();
  const double before = attack(*first, parts_.train, parts_.validation);
  EXPECT_GT(attack(*make_rmle_from(first), parts_.train, parts_.validation), before);
}

TEST_F(Pictures, RetrievalFindsItsOwn) {
  const auto attacker = make_retrieval();
  ASSERT_TRUE(attacker->fit(parts_.train, parts_.validation, context()));
  const auto rebuilt = attacker->reconstruct(parts_.train.first(40), context());
  ASSERT_TRUE(rebuilt);
  EXPECT_TRUE(at::equal(*rebuilt, parts_.train.inputs(0, 40)));
}

TEST_F(Pictures, TrainingSaysHowItWent) {
  const auto attacker = make_inverse_net();
  const auto fit = attacker->fit(parts_.train, parts_.validation, context(10));
  ASSERT_TRUE(fit);
  ASSERT_EQ(fit->curve.size(), 10u);
  EXPECT_EQ(fit->curve.front().epoch, 1);
  EXPECT_GT(fit->curve.front().loss, fit->curve.back().loss);
  EXPECT_LT(fit->curve.front().validation, fit->curve.back().validation);
  EXPECT_GT(fit->inputs_per_second, 0);
  const auto brief = make_inverse_net()->fit(parts_.train, parts_.validation, context(2));
  EXPECT_FALSE(brief->converged);
  EXPECT_THAT(brief->convergence, HasSubstr("2 epochs are too few"));
}

class Resumed : public Pictures, public ::testing::WithParamInterface<bool> {
 protected:
  std::unique_ptr<Attacker> make() const { return GetParam() ? make_cgan() : make_inverse_net(); }
};

TEST_P(Resumed, GivesWhatAnUninterruptedRunGives) {
  const auto whole = make();
  const auto fit = whole->fit(parts_.train, parts_.validation, context(5));
  ASSERT_TRUE(fit);
  const at::Tensor want = *whole->reconstruct(parts_.test, context(5));

  const cloister::test::TempDir dir;
  AttackContext stopped = context(5);
  stopped.checkpoint = dir / "state.pt";
  stopped.tick = [](double share, const std::string&) -> Result<> {
    if (share > 0.5) return fail(Kind::kIo, "stopped");
    return {};
  };
  const auto interrupted = make()->fit(parts_.train, parts_.validation, stopped);
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().message, "stopped");
  ASSERT_TRUE(fs::exists(stopped.checkpoint));

  AttackContext resumed = stopped;
  resumed.tick = kSilent;
  const auto attacker = make();
  const auto again = attacker->fit(parts_.train, parts_.validation, resumed);
  ASSERT_TRUE(again) << again.error().message;
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(again->curve[i].loss, fit->curve[i].loss) << i;
  EXPECT_TRUE(at::equal(*attacker->reconstruct(parts_.test, resumed), want));

  // A checkpoint of something else is no place to go on from.
  resumed.identity = "another";
  const auto anew = make()->fit(parts_.train, parts_.validation, resumed);
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->curve.back().loss, fit->curve.back().loss);
}

INSTANTIATE_TEST_SUITE_P(All, Resumed, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "cgan" : "inverse_net"; });

TEST_F(Pictures, ALossThatIsNotFiniteIsAnError) {
  AttackContext wild = context(3);
  wild.effort.learning_rate = 1e30;
  const auto fit = make_inverse_net()->fit(parts_.train, parts_.validation, wild);
  ASSERT_FALSE(fit);
  EXPECT_THAT(fit.error().message, HasSubstr("the loss of epoch"));
}

TEST(LabelProbe, ReadsWhatIsThereAndNothingElse) {
  torch::manual_seed(5);
  const at::Tensor rows = at::randn({600, 4});
  const auto head = row_head({{.name = "n", .width = 4}}, cloister::test::pattern({4, 6}));
  const auto store = store_of(head, rows);
  const at::Tensor visible = (rows.select(1, 0) > 0).to(at::kLong);
  const Parts seen = parts_of(store, 600, visible);
  const auto probe = probe_labels(seen.train, seen.test, 1, kSilent);
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_GT(probe->accuracy, 0.85);
  EXPECT_EQ(probe->n, 32u);
  const Parts hidden = parts_of(store, 600, at::randint(0, 2, {600}, at::kLong));
  EXPECT_LT(probe_labels(hidden.train, hidden.test, 1, kSilent)->accuracy, 0.85);
  EXPECT_FALSE(probe_labels(parts_of(store, 600).train, seen.test, 1, kSilent));
}

}  // namespace
}  // namespace cloister::audit
