// What a model was trained on, written and read, and what an audit's split makes of it.
#include "data/victim_train_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/temp_dir.h"

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Item> items(size_t count) {
  std::vector<Item> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back({.id = fmt::format("line {}", i),
                   .digest = sha256(as_bytes(fmt::format("content {}", i))),
                   .label = static_cast<int64_t>(i % 2)});
  }
  return out;
}

const Source kSource{.kind = "table", .name = "a \"b\".csv", .sha256 = "00"};

TEST(VictimTrainJson, ReadsWhatItWrites) {
  const auto all = items(5);
  const std::vector<size_t> training = {4, 0};
  const auto read = parse_victim_train(victim_train_json(kSource, all, training));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->ids, ElementsAre("line 4", "line 0"));
  EXPECT_THAT(read->digests, ElementsAre(all[4].digest, all[0].digest));
  EXPECT_TRUE(parse_victim_train(victim_train_json(kSource, all, {}))->ids.empty());
}

TEST(VictimTrainJson, WritesOneInputALine) {
  const auto all = items(2);
  const std::vector<size_t> training = {1, 0};
  EXPECT_EQ(
      victim_train_json(kSource, all, training),
      "{\n  \"schema\": \"cloister/trained-on/1\",\n"
      "  \"source\": { \"kind\": \"table\", \"name\": \"a \\\"b\\\".csv\", \"sha256\": \"00\" },\n"
      "  \"inputs\": [\n    [\"line 1\", \"" +
          to_hex(all[1].digest) + "\"],\n    [\"line 0\", \"" + to_hex(all[0].digest) +
          "\"]\n  ]\n}\n");
}

TEST(VictimTrainJson, AnIdThatIsNotUtf8KeepsItsDigest) {
  auto all = items(1);
  all[0].id = "\xff.jpg";
  const std::vector<size_t> training = {0};
  const auto read = parse_victim_train(victim_train_json(kSource, all, training));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->digests, ElementsAre(all[0].digest));
}

TEST(VictimTrainJson, KeepsTrainingInputsOutOfCertification) {
  const auto all = items(1000);
  const auto holdout = make_holdout(all, 0.5, 3);
  ASSERT_TRUE(holdout);
  SplitOptions options;
  options.victim_train = *parse_victim_train(victim_train_json(kSource, all, holdout->training));
  const auto splits = make_splits(all, options);
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_EQ(splits->victim_train, 500U);
  EXPECT_EQ(splits->victim_train_not_found, 0U);
  const std::set<size_t> seen(holdout->training.begin(), holdout->training.end());
  for (const size_t i : splits->certification) EXPECT_FALSE(seen.contains(i));
  for (const size_t i : splits->selection) EXPECT_FALSE(seen.contains(i));
}

TEST(VictimTrainJson, ParsingIsStrict) {
  const auto all = items(1);
  const std::vector<size_t> training = {0};
  const std::string good = victim_train_json(kSource, all, training);
  const std::string hex = to_hex(all[0].digest);
  const std::tuple<std::string, std::string, std::string> table[] = {
      {"trained-on/1", "trained-on/2", "schema: 'cloister/trained-on/2'"},
      {"\"inputs\"", "\"input\"", "no key 'inputs'"},
      {"\"inputs\"", "\"seed\": 1, \"inputs\"", "unknown key 'seed'"},
      {"\"kind\"", "\"king\"", "source: no key 'kind'"},
      {"\"table\"", "7", "source.kind: 7, want a string"},
      {hex, hex.substr(1), "inputs[0][1]: "},
      {hex, "g" + hex.substr(1), "want 64 digits 0 to 9, a to f"},
      {"[\"line 0\", ", "[", "inputs[0]: no item for 'sha256'"},
      {"[\"line 0\", ", "[\"line 0\", \"" + hex + "\", ", "inputs[0]: 3 items, want 2"},
      {"[\"line 0\", \"" + hex + "\"]", "{}", "inputs[0]: "},
      {"\"line 0\"", "0", "inputs[0][0]: 0, want a string"},
  };
  for (const auto& [what, by, want] : table) {
    std::string bad = good;
    bad.replace(bad.find(what), what.size(), by);
    const auto parsed = parse_victim_train(bad);
    ASSERT_FALSE(parsed) << by;
    EXPECT_THAT(parsed.error().message, HasSubstr("trained-on record: ")) << by;
    EXPECT_THAT(parsed.error().message, HasSubstr(want)) << by;
  }
  const test::TempDir folder;
  EXPECT_EQ(read_victim_train(folder / "none").error().kind, Kind::kNotFound);
}

}  // namespace
}  // namespace cloister::audit
