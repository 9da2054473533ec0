#include "audit/protocol/run.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/audit/protocol/small_audit.h"

namespace cloister::audit {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::Not;

// All but the times, as text.
std::string scores(AuditRecord record) {
  for (CutRecord& cut : record.cuts) {
    for (AttackerRecord& attacker : cut.attackers) attacker.seconds = 0;
  }
  for (AttackerRecord& baseline : record.baselines) baseline.seconds = 0;
  return record_json(record);
}

class Audit : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = std::make_unique<cloister::test::TempDir>();
    write_pictures(data_->path() / "pictures", 420);
    ASSERT_TRUE(write_file(data_->path() / "table.csv", table_text(500)));
    model_ = std::make_unique<AuditModel>(picture_model());
  }
  static void TearDownTestSuite() {
    data_.reset();
    model_.reset();
  }

  AuditOptions options(const std::string& out) const {
    AuditOptions options;
    options.data.path = data_->path() / "pictures";
    options.data.preprocess = *preprocess_preset("half");
    options.budget = small_budget();
    options.policy = default_policy(Metric::kSsimAdvantage);
    options.policy.n_min = 50;
    options.policy.n_min_subsample = 8;
    options.cuts = {"r1", "r2"};
    options.attackers = attacker_names();
    options.cache_bytes = 1 << 26;
    options.out = dir_ / out;
    return options;
  }

  // For what must only be equal.
  AuditOptions brief(const std::string& out) const {
    AuditOptions brief = options(out);
    brief.budget.effort.epochs = 3;
    brief.budget.effort.iterations = 10;
    return brief;
  }

  Result<AuditRecord> run(const AuditOptions& options,
                          const ProgressCallback& tick = kSilent) const {
    return run_audit(*model_, options, frame(), tick);
  }

  std::string error(const AuditOptions& options) const {
    const auto record = run(options);
    return record ? "no error" : record.error().message;
  }

  cloister::test::TempDir dir_;
  static std::unique_ptr<cloister::test::TempDir> data_;
  static std::unique_ptr<AuditModel> model_;
};

std::unique_ptr<cloister::test::TempDir> Audit::data_;
std::unique_ptr<AuditModel> Audit::model_;

TEST_F(Audit, SaysWhatComesBack) {
  const auto record = run(options("a"));
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_EQ(record->cuts.size(), 2u);
  EXPECT_EQ(record->cuts[0].verdict->outcome, audit::Outcome::kExposed);
  EXPECT_GT(record->cuts[0].verdict->leakage.value, 0.3);
  ASSERT_EQ(record->cuts[0].attackers.size(), kAttackers.size());
  EXPECT_EQ(record->cuts[0].attackers[0].certification.metrics[0].values.size(), 64u);
  for (size_t i = 0; i < kAttackers.size(); ++i) {
    const AttackerRecord& attacker = record->cuts[0].attackers[i];
    EXPECT_EQ(attacker.name, kAttackers[i].name);
    EXPECT_EQ(attacker.certification.inputs.size(), kAttackers[i].subsampled ? 8u : 0u);
    EXPECT_EQ(attacker.selection.metrics.empty(), kAttackers[i].subsampled);
  }
  EXPECT_EQ(record->cuts[0].bytes, 16u * 16 * 16 * 4);
  ASSERT_EQ(record->baselines.size(), kBaselines.size());
  for (size_t i = 0; i < kBaselines.size(); ++i) {
    EXPECT_EQ(record->baselines[i].name, kBaselines[i].name);
  }
  EXPECT_TRUE(record->cuts[0].probe);
  // The positive control is the shallowest cut, in front of r1.
  EXPECT_EQ(record->positive_controls.size(),
            static_cast<size_t>(std::ranges::count_if(kAttackers, &AttackerInfo::rebuilds)));
  EXPECT_GT(record->positive_controls[0].score, 0.6);
  ASSERT_EQ(record->negative_controls.size(),
            static_cast<size_t>(std::ranges::count_if(kAttackers, &AttackerInfo::learns)));
  for (const Control& control : record->negative_controls) {
    EXPECT_LT(control.score, control.floor + 0.1) << control.attacker;
  }
  for (const GalleryRow& row : record->cuts[0].gallery) {
    EXPECT_TRUE(fs::exists(dir_ / "a" / row.original)) << row.original;
    for (const auto& rebuilt : row.reconstructions) {
      EXPECT_TRUE(fs::exists(dir_ / "a" / rebuilt.file)) << rebuilt.file;
    }
  }
  EXPECT_GE(record->cuts[0].gallery.size(), 5u);
  const std::string json = record_json(*record);
  const auto again = parse_record(json);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(record_json(*again), json);
  EXPECT_THAT(json, Not(HasSubstr("private")));
}

TEST_F(Audit, GoesOnAfterAStopAndGivesTheSame) {
  const auto whole = run(brief("whole"));
  ASSERT_TRUE(whole) << whole.error().message;
  AuditOptions stopped = brief("stopped");
  for (const double at : {0.1, 0.35, 0.6, 0.9}) {
    const auto part = run(stopped, [at](double share, const std::string&) -> Result<> {
      if (share > at) return fail(Kind::kIo, "stopped");
      return {};
    });
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().message, "stopped");
    stopped.resume = true;
  }
  const auto resumed = run(stopped);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(scores(*resumed), scores(*whole));
}

TEST_F(Audit, ShardsMergeIntoTheSame) {
  const auto whole = run(brief("whole"));
  ASSERT_TRUE(whole) << whole.error().message;
  AuditOptions shard = brief("shards");
  shard.shards = 3;
  for (const uint64_t i : {2, 0}) {
    shard.shard = i;
    ASSERT_TRUE(run(shard));
  }
  AuditOptions merge = brief("shards");
  merge.merge = true;
  EXPECT_THAT(error(merge), HasSubstr("has not been attacked yet: run its shard first"));
  shard.shard = 1;
  ASSERT_TRUE(run(shard));
  const auto merged = run(merge);
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(scores(*merged), scores(*whole));
}

TEST_F(Audit, AFolderOfAnotherAuditIsRefused) {
  AuditOptions first = options("a");
  first.attackers = {"retrieval"};
  ASSERT_TRUE(run(first));
  EXPECT_THAT(error(first), HasSubstr("continue it with --resume"));
  AuditOptions other = first;
  other.resume = true;
  other.seed = other.data.seed = 2;
  const auto record = run(other);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().kind, Kind::kRefused);
  EXPECT_THAT(record.error().message, HasSubstr("holds another audit's work"));
}

TEST_F(Audit, WhatWasNotRunIsNeverResisted) {
  AuditOptions weak = options("a");
  weak.attackers = {"retrieval"};
  weak.policy.threshold = 0.9;
  const auto record = run(weak);
  ASSERT_TRUE(record) << record.error().message;
  for (const CutRecord& cut : record->cuts) {
    EXPECT_EQ(cut.verdict->outcome, audit::Outcome::kInconclusive);
  }
}

TEST_F(Audit, TablesColumnByColumn) {
  AuditOptions table = options("t");
  table.data.path = data_->path() / "table.csv";
  table.data.table.label = "label";
  table.policy = default_policy(Metric::kRowMatchAdvantage);
  table.cuts = {"auto"};
  const AuditModel model = row_model(5);
  const auto record = run_audit(model, table, frame(), kSilent);
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_FALSE(record->cuts.empty());
  const auto& columns = record->cuts[0].attackers[0].certification.columns;
  ASSERT_EQ(columns.size(), 3u);
  EXPECT_EQ(columns[1].name, "proto");
  EXPECT_GT(columns[1].exact, columns[1].baseline_exact);
  EXPECT_TRUE(parse_record(record_json(*record)));
  const auto wrong = run_audit(row_model(9), table, frame(), kSilent);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("the table's rows are f32[5] when encoded"));
}

// A detector's second input, say: the size of the original picture, or a threshold.
TEST_F(Audit, PublicInputsAreHeld) {
  using cloister::test::node;
  AuditModel model = open_model(test::model_of(cloister::test::small_segment(
      {{"x", DType::kF32, {-1, 5}}, {"scale", DType::kF32, {-1, 1}}},
      node("MatMul", {"x", "w1"}, "a") + node("Relu", {"a"}, "b") +
          node("MatMul", {"b", "w2"}, "c") + node("Mul", {"c", "scale"}, "y"),
      {{"y", DType::kF32, {-1, 2}}},
      {{"w1", cloister::test::pattern({5, 24})}, {"w2", cloister::test::pattern({24, 2})}})));
  model.cuts =
      list_cuts(model.graph, {.exposure = {.public_inputs = {model.graph.ids.at("scale")}}});
  AuditOptions held = brief("public");
  held.data.path = data_->path() / "table.csv";
  held.data.table.label = "label";
  held.policy = default_policy(Metric::kRowMatchAdvantage);
  held.attackers = {"inverse-net"};
  held.cuts = {"scale,b"};
  const auto alone = run_audit(model, held, frame(), kSilent);
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message, HasSubstr("2 of the model's are not public: x, scale; give"));
  held.public_inputs = {{"scale", cloister::test::pattern({1, 1})}};
  const auto record = run_audit(model, held, frame(), kSilent);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->model.input, "x");
  EXPECT_THAT(record->model.public_inputs, testing::ElementsAre("scale"));
  EXPECT_THAT(record->notes, testing::Contains(HasSubstr("The input scale is public: f32[1,1]")));
  const auto again = parse_record(record_json(*record));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->model.public_inputs, record->model.public_inputs);
}

TEST_F(Audit, TokensAreInconclusive) {
  using cloister::test::node;
  const AuditModel model = open_model(test::model_of(cloister::test::small_segment(
      {{"tokens", DType::kI64, {-1, 6}}},
      node("Gather", {"table", "tokens"}, "e") + node("Relu", {"e"}, "r") +
          node("ReduceMean", {"r"}, "m", "attribute { name: 'axes' type: INTS ints: 1 } ") +
          node("MatMul", {"m", "w"}, "y"),
      {{"y", DType::kF32, {-1, -1, 2}}},
      {{"table", cloister::test::pattern({9, 4})}, {"w", cloister::test::pattern({4, 2})}})));
  AuditOptions tokens = options("tok");
  tokens.cuts = {"all"};
  const auto record = run_audit(model, tokens, frame(), kSilent);
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_FALSE(record->cuts.empty());
  for (const CutRecord& cut : record->cuts) {
    EXPECT_NE(cut.verdict->outcome, audit::Outcome::kResisted);
    EXPECT_THAT(cut.no_attacker, HasSubstr("no attacker supports such inputs"));
  }
  const auto again = parse_record(record_json(*record));
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(Audit, BadOptionsAreNamed) {
  AuditOptions bad = options("b");
  bad.attackers = {"cgam"};
  EXPECT_EQ(error(bad), "no attacker 'cgam'; nearest: cgan");
  bad = options("b");
  bad.data.size = 8;
  EXPECT_THAT(error(bad), HasSubstr("16 pixels a side or more"));
  bad = options("b");
  bad.policy = default_policy(Metric::kRowMatch);
  EXPECT_THAT(error(bad), HasSubstr("row_match does not go with this data, want ssim"));
  bad = options("b");
  bad.data.path = "/nowhere";
  EXPECT_EQ(error(bad), "no data '/nowhere'");
  bad = options("b");
  bad.cuts = {"r9"};
  EXPECT_THAT(error(bad), HasSubstr("no cut 'r9'"));
  bad = options("b");
  bad.shard = 3;
  bad.shards = 3;
  EXPECT_THAT(error(bad), HasSubstr("want 0/n to (n-1)/n"));
  bad = options("b");
  bad.data.preprocess->channels = Channels::kGray;
  EXPECT_THAT(error(bad), HasSubstr("has 3 channels, preprocessing gives 1"));
}

TEST_F(Audit, AnEstimateComesFirst) {
  const auto estimate = estimate_audit(*model_, options("e"), frame(), kSilent);
  ASSERT_TRUE(estimate) << estimate.error().message;
  ASSERT_EQ(estimate->cuts.size(), 2u);
  EXPECT_GT(estimate->seconds, estimate->cuts[0].seconds);
  EXPECT_GT(estimate->cuts[0].disk_bytes, 1000u);
  EXPECT_FALSE(fs::exists(dir_ / "e"));
}

}  // namespace
}  // namespace cloister::audit
