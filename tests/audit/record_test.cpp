// audit.json: what is written can be read, what is hostile is refused by name, and a record can be
// judged again.
#include "audit/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "data/input_kind.h"
#include "tests/support/sample_audit.h"
#include "tests/support/temp_dir.h"

namespace cloister::audit {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::StartsWith;

const std::string& pictures() {
  static const std::string text = [] {
    test::TempDir folder;
    return record_json(test::sample_pictures(folder.path()));
  }();
  return text;
}

// The record of pictures with what `change` does to it.
std::string changed(const std::function<void(Json&)>& change) {
  Json json = Json::parse(pictures());
  change(json);
  return json.dump();
}

void expect_refused(const std::string& text, const std::string& part, Kind kind = Kind::kInvalid) {
  const auto parsed = parse_record(text);
  ASSERT_FALSE(parsed) << part;
  EXPECT_EQ(parsed.error().kind, kind);
  EXPECT_THAT(parsed.error().message, StartsWith("audit record: "));
  EXPECT_THAT(parsed.error().message, HasSubstr(part));
}

void expect_refused(const std::function<void(Json&)>& change, const std::string& part) {
  expect_refused(changed(change), part);
}

TEST(Record, WhatIsWrittenCanBeRead) {
  for (const std::string& text : {pictures(), record_json(test::sample_table())}) {
    const auto parsed = parse_record(text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(record_json(*parsed), text);
  }
}

TEST(Record, MayBeOfEveryKindOfInput) {
  for (const InputKindInfo& info : kInputKinds) {
    const auto parsed = parse_record(changed([&](Json& j) { j["kind"] = info.name; }));
    EXPECT_TRUE(parsed) << parsed.error().message;
  }
}

TEST(Record, KeepsEveryNumberExactly) {
  AuditRecord record = test::sample_pictures();
  std::vector<double>& scores = record.cuts[0].attackers[0].certification.metrics[0].values;
  const double awkward[] = {
      0.1, 1.0 / 3, -0.0, 1, -1, 5e-324, 0.1 + 0.2, 1e-7, 0.30000000000000004};
  std::ranges::copy(awkward, scores.begin());
  record.settings.seed = std::numeric_limits<uint64_t>::max();
  record.settings.numbers = {{"big", 1e22}, {"bigger", 1.7e290}, {"whole", 9007199254740993}};
  const auto parsed = parse_record(record_json(record));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->cuts[0].attackers[0].certification.metrics[0].values, scores);
  EXPECT_EQ(parsed->settings.seed, record.settings.seed);
  EXPECT_EQ(parsed->settings.numbers, record.settings.numbers);
}

TEST(Record, KeepsUnboundedVerdicts) {
  AuditRecord record = test::sample_pictures();
  record.cuts[1].attackers.clear();  // its own leakage is that of nobody
  Policy policy = record.policy;
  policy.statistic = Statistic::kP95;
  policy.confidence = 1 - 1e-12;  // too much for 600 inputs
  ASSERT_TRUE(judge_record(record, policy));
  ASSERT_TRUE(std::isinf(record.cuts[1].verdict->own));
  ASSERT_TRUE(std::isinf(record.cuts[1].verdict->leakage.bounds.upper));
  const auto parsed = parse_record(record_json(record));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->cuts[1].verdict->own, record.cuts[1].verdict->own);
  EXPECT_EQ(parsed->cuts[1].verdict->leakage.bounds.upper,
            record.cuts[1].verdict->leakage.bounds.upper);
  EXPECT_EQ(record_json(*parsed), record_json(record));
}

// 600 scores are a line, not 600.
TEST(Record, IsWrittenCompactly) {
  const std::string text = pictures();
  EXPECT_LT(std::ranges::count(text, '\n'), 1500);
  EXPECT_LT(text.size(), 600'000U);
  EXPECT_THAT(text, StartsWith("{\n  \"schema\": \"cloister/audit/1\",\n"));
  EXPECT_THAT(text, testing::EndsWith("}\n"));
}

TEST(Record, RefusesWhatIsNoRecord) {
  expect_refused("", "not JSON");
  expect_refused("[]", "want an object");
  expect_refused("{}", "no key 'schema'");
  expect_refused(pictures().substr(0, 5000), "not JSON");
  expect_refused(std::string(1000, '['), "nested too deep");
  expect_refused(R"({"schema": "cloister/audit/1", "schema": 1})", "key 'schema' occurs twice");
  expect_refused(R"({"schema": "cloister/audit/2"})", "schema: 'cloister/audit/2', want",
                 Kind::kUnsupported);
  expect_refused(std::string(kMaxRecordBytes + 1, ' '), "at most 67108864 are read");
  std::string many = "[";
  for (int i = 0; i < 2'000'000; ++i) many += "[],";
  expect_refused(many + "0]", "too many arrays");
}

TEST(Record, RefusesUnknownAndMissingKeysByName) {
  expect_refused([](Json& j) { j["extra"] = 1; }, "unknown key 'extra', want schema, tool");
  expect_refused([](Json& j) { j["cuts"][2]["x\n"] = 1; }, "cuts[2]: unknown key 'x\\x0a'");
  expect_refused([](Json& j) { j["settings"].erase("seed"); }, "settings: no key 'seed'");
  expect_refused([](Json& j) { j["cuts"][1]["attackers"][0]["certification"]["metric"] = 1; },
                 "cuts[1].attackers[0].certification: unknown key 'metric'");
}

TEST(Record, RefusesValuesOfAnotherTypeOrOutOfRange) {
  expect_refused([](Json& j) { j["tool"] = 1; }, "tool: 1, want a string");
  expect_refused([](Json& j) { j["tool"] = std::string(201, 'x'); }, "tool: 201 bytes, want 1 to");
  expect_refused([](Json& j) { j["kind"] = "text"; }, "kind: \"text\", want images, table");
  expect_refused([](Json& j) { j["model"]["sha256"] = std::string(64, 'G'); }, "want 64 digits");
  expect_refused([](Json& j) { j["model"]["input_shape"][0] = -1; },
                 "model.input_shape[0]: -1, want a whole number from 0 to");
  expect_refused([](Json& j) { j["metric"] = "ssim_advantage"; },
                 "want one that is not an advantage");
  expect_refused([](Json& j) { j["metric"] = "lpips"; }, "metric: metric 'lpips', want ssim");
  expect_refused([](Json& j) { j["policy"]["statistic"] = "max"; }, "statistic 'max', want mean");
  expect_refused([](Json& j) { j["policy"]["resamples"] = 1e9; }, "policy.resamples: 1000000000.0");
  expect_refused([](Json& j) { j["cuts"] = Json::object(); },
                 "cuts: an object of 0, want an array");
  expect_refused([](Json& j) { j["cuts"][0]["macs_share"] = 1.5; }, "macs_share: 1.5, want");
  expect_refused([](Json& j) { j["cuts"][0]["macs_share"] = "0"; }, "macs_share: \"0\", want");
  expect_refused([](Json& j) { j["cuts"][0]["bytes"] = 0.5; }, "bytes: 0.5, want a whole number");
  expect_refused([](Json& j) { j["cuts"][0]["tensors"][0]["dtype"] = "f12"; }, "dtype: \"f12\"");
  expect_refused([](Json& j) { j["cuts"][0]["verdict"]["outcome"] = "private"; },
                 "cuts[0].verdict.outcome: 'private', want exposed, resisted, inconclusive");
  expect_refused([](Json& j) { j["settings"]["numbers"]["epochs"] = "12"; },
                 "settings.numbers.epochs: \"12\"");
  std::string huge = pictures();
  huge.replace(huge.find("312.5"), 5, "1e999");
  expect_refused(huge, "number overflow");
}

TEST(Record, RefusesScoresThatCanNotBe) {
  const auto split = [](Json& j) -> Json& { return j["cuts"][0]["attackers"][0]["certification"]; };
  expect_refused([&](Json& j) { split(j)["scores"]["ssim"][7] = 1.5; },
                 "cuts[0].attackers[0].certification.scores.ssim[7]: 1.5, want a number from -1");
  expect_refused([&](Json& j) { split(j)["scores"]["ssim"][7] = nullptr; }, "ssim[7]: null, want");
  expect_refused([&](Json& j) { split(j)["scores"]["psnr_db"][0] = 101; }, "psnr_db[0]: 101");
  expect_refused([&](Json& j) { split(j)["scores"]["ssim_advantage"] = Json::array(); },
                 "unknown metric 'ssim_advantage'");
  expect_refused([&](Json& j) { split(j)["scores"]["ssim"].erase(0); },
                 "cut 'c0a1b2c': attacker 'inverse-net': certification: scores.ssim: 599 scores, "
                 "want 600");
  expect_refused([&](Json& j) { split(j)["inputs"] = Json::array(); }, "want null or positions");
  const auto some = [](Json& j) -> Json& {
    return j["cuts"][0]["attackers"][2]["certification"]["inputs"];
  };
  expect_refused([&](Json& j) { some(j)[1] = 0; }, "inputs[1]: 0, want a whole number from 1");
  expect_refused([&](Json& j) { some(j)[99] = 600; }, "inputs: 600, want positions under 600");
  expect_refused([&](Json& j) { some(j).erase(0); }, "100 scores, want 99");
}

TEST(Record, RefusesPathsOutOfItsFolder) {
  for (const std::string path :
       {"/etc/x.png", "../x.png", "a/../x.png", "a//x.png", "./x.png", "a\\x.png", "x.svg", ".png",
        "a/.x.png", "x.png/", "file:x.png", "x y.png", "\"><script>.png"}) {
    expect_refused([&](Json& j) { j["cuts"][0]["gallery"][0]["original"] = path; },
                   "cuts[0].gallery[0].original: ");
    expect_refused(
        [&](Json& j) { j["cuts"][0]["gallery"][0]["reconstructions"][0]["file"] = path; },
        "cuts[0].gallery[0].reconstructions[0].file: ");
  }
  expect_refused([](Json& j) { j["cuts"][0]["gallery"][0]["input"] = 600; },
                 "cut 'c0a1b2c': gallery: input 600, want under 600");
}

TEST(Record, RefusesWhatDoesNotFitTogether) {
  expect_refused([](Json& j) { j["cuts"][1]["id"] = "c0a1b2c"; }, "cut 'c0a1b2c': occurs twice");
  expect_refused([](Json& j) { j["cuts"][0]["attackers"][1]["name"] = "inverse-net"; },
                 "attacker 'inverse-net': occurs twice");
  expect_refused([](Json& j) { std::swap(j["cuts"][0], j["cuts"][1]); },
                 "macs_share 0.029 after a cut with 0.031, want shallowest first");
  expect_refused([](Json& j) { j["splits"].erase("parts"); }, "no number of inputs at parts.");
  expect_refused([](Json& j) { j["splits"] = "x"; }, "splits: \"x\", want an object");
  expect_refused(changed([](Json& j) { j["splits"]["schema"] = 2; }), "cloister/splits/1",
                 Kind::kUnsupported);
}

TEST(Record, IsReadFromAFile) {
  test::TempDir folder;
  ASSERT_TRUE(write_file(folder / "audit.json", pictures()));
  const auto read = read_record(folder / "audit.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->cuts.size(), 5U);
  ASSERT_TRUE(write_file(folder / "bad.json", "{"));
  EXPECT_THAT(read_record(folder / "bad.json").error().message, HasSubstr("bad.json'"));
  EXPECT_EQ(read_record(folder / "none.json").error().kind, Kind::kNotFound);
}

TEST(ScoresFor, TakesTheBestBaselineOfEachInput) {
  const AuditRecord record = test::sample_pictures();
  const auto scores = scores_for(record, record.policy);
  ASSERT_TRUE(scores) << scores.error().message;
  ASSERT_EQ(scores->floor.size(), 600U);
  for (size_t i = 0; i < 600; ++i) {
    EXPECT_EQ(scores->floor[i],
              std::max((*record.baselines[0].certification.scores(Metric::kSsim))[i],
                       (*record.baselines[1].certification.scores(Metric::kSsim))[i]));
  }
  ASSERT_EQ(scores->cuts.size(), 5U);
  EXPECT_EQ(scores->cuts[2].cut, "c2aca4d");
  ASSERT_EQ(scores->cuts[2].runs.size(), 4U);
  EXPECT_EQ(scores->cuts[2].runs[2].inputs.size(), 100U);
  EXPECT_EQ(scores->positive_controls.size(), 2U);
  EXPECT_TRUE(scores->cuts[0].label_probe);
}

TEST(ScoresFor, NothingLeftOutMakesACutLookSafer) {
  AuditRecord record = test::sample_pictures();
  // Not scored at all: it was not run, and a policy that names it says so.
  record.cuts[4].attackers[0].certification.metrics.clear();
  ASSERT_TRUE(judge_record(record, record.policy));
  EXPECT_EQ(record.cuts[4].verdict->outcome, Outcome::kInconclusive);
  EXPECT_THAT(record.cuts[4].verdict->sentence, HasSubstr("'inverse-net' was not run"));
  // Scored, but not in what is asked for.
  record.cuts[4].attackers[2].certification.metrics.erase(
      record.cuts[4].attackers[2].certification.metrics.begin());
  EXPECT_THAT(scores_for(record, record.policy).error().message,
              HasSubstr("cut 'c7654ff': attacker 'rmle' has no ssim scores"));
  record.baselines[1].certification.metrics.erase(
      record.baselines[1].certification.metrics.begin());
  EXPECT_THAT(scores_for(record, record.policy).error().message,
              HasSubstr("baseline 'random-same-class' has no ssim score"));
  record.baselines.clear();
  EXPECT_THAT(scores_for(record, record.policy).error().message, HasSubstr("no baseline has ssim"));
}

TEST(JudgeRecord, AgainUnderAnotherPolicy) {
  AuditRecord record = test::sample_pictures();
  const auto outcomes = [&] {
    std::vector<Outcome> out;
    for (const CutRecord& cut : record.cuts) out.push_back(cut.verdict->outcome);
    return out;
  };
  using enum Outcome;
  EXPECT_THAT(outcomes(),
              testing::ElementsAre(kExposed, kExposed, kExposed, kInconclusive, kResisted));
  Policy policy = record.policy;
  policy.threshold = 0.35;
  ASSERT_TRUE(judge_record(record, policy));
  EXPECT_THAT(outcomes(), testing::ElementsAre(kExposed, kExposed, kExposed, kResisted, kResisted));
  EXPECT_EQ(record.policy.threshold, 0.35);
  policy = default_policy(Metric::kSsimAdvantage);
  ASSERT_TRUE(judge_record(record, policy));
  EXPECT_EQ(record.cuts[4].verdict->floor, 0);
  EXPECT_LT(record.cuts[4].verdict->leakage.value, 0.1);

  const std::string before = record_json(record);
  const auto other = judge_record(record, default_policy(Metric::kPsnrDb));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, Kind::kInvalid);
  EXPECT_THAT(other.error().message, HasSubstr("can't be judged by psnr_db"));
  policy.threshold = 7;
  EXPECT_EQ(judge_record(record, policy).error().kind, Kind::kUsage);
  EXPECT_EQ(record_json(record), before);
}

}  // namespace
}  // namespace cloister::audit
