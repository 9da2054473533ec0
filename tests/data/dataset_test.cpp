// Splits: disjoint, seeded, without duplicates, and what is refused.
#include "data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

namespace cloister::audit {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Item i holds content i % different, of class i % classes.
std::vector<Item> make_items(size_t count, size_t different, int64_t classes = 2) {
  std::vector<Item> items(count);
  for (size_t i = 0; i < count; ++i) {
    items[i].id = fmt::format("picture-{:04}", i);
    items[i].digest = sha256(as_bytes(fmt::format("content {}", i % different)));
    items[i].label = classes == 0 ? -1 : static_cast<int64_t>(i) % classes;
  }
  return items;
}

std::vector<const std::vector<size_t>*> parts(const Splits& splits) {
  return {&splits.attacker_train, &splits.attacker_validation, &splits.selection,
          &splits.certification};
}

// Names no content twice over all parts.
void expect_disjoint(const std::vector<Item>& items, const Splits& splits) {
  std::set<Digest> seen;
  size_t total = 0;
  for (const auto* part : parts(splits)) {
    for (const size_t i : *part) seen.insert(items[i].digest);
    total += part->size();
  }
  EXPECT_EQ(seen.size(), total);
  EXPECT_EQ(total + splits.duplicates + splits.unused, items.size());
}

TEST(Splits, AreDisjointWithoutDuplicates) {
  const auto items = make_items(500, 400);
  const auto splits = make_splits(items, {});
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_EQ(splits->duplicates, 100U);
  EXPECT_EQ(splits->label_conflicts, 0U);
  EXPECT_THAT(splits->attacker_train, SizeIs(240));
  EXPECT_THAT(splits->attacker_validation, SizeIs(40));
  EXPECT_THAT(splits->selection, SizeIs(40));
  EXPECT_THAT(splits->certification, SizeIs(80));
  expect_disjoint(items, *splits);
}

TEST(Splits, CountEqualInputsWithOtherLabels) {
  const auto splits = make_splits(make_items(501, 401), {});
  EXPECT_EQ(splits->duplicates, 100U);
  EXPECT_EQ(splits->label_conflicts, 100U) << "401 is odd: a repeat has the other class";
}

TEST(Splits, DependOnSeedAndContentAlone) {
  auto items = make_items(300, 300);
  const auto contents = [&](const std::vector<Item>& from, uint64_t seed) {
    SplitOptions options;
    options.seed = seed;
    std::vector<Digest> out;
    const auto splits = make_splits(from, options);
    for (const size_t i : splits->certification) out.push_back(from[i].digest);
    return out;
  };
  const auto first = contents(items, 1);
  EXPECT_NE(contents(items, 2), first);
  std::mt19937_64 random(5);
  std::ranges::shuffle(items, random);
  for (Item& item : items) item.id += "-renamed";
  EXPECT_EQ(contents(items, 1), first);
}

TEST(Splits, HoldForManySeedsAndShares) {
  std::mt19937_64 random(6);
  for (int round = 0; round < 100; ++round) {
    const size_t count = 50 + random() % 300;
    const auto items = make_items(count, 1 + count / 2 + random() % (count / 2));
    SplitOptions options;
    options.seed = random();
    options.attacker_train = 0.2 + static_cast<double>(random() % 40) / 100;
    options.min_attacker_train = options.min_certification = 1;
    options.min_attacker_validation = options.min_selection = 1;
    options.victim_train.emplace();
    for (const Item& item : items) {
      if (random() % 3 == 0) options.victim_train->ids.push_back(item.id);
    }
    const auto splits = make_splits(items, options);
    if (!splits) continue;
    expect_disjoint(items, *splits);
    std::set<Digest> victim;
    const std::set<std::string> ids(options.victim_train->ids.begin(),
                                    options.victim_train->ids.end());
    for (const Item& item : items) {
      if (ids.contains(item.id)) victim.insert(item.digest);
    }
    EXPECT_EQ(splits->victim_train, victim.size());
    for (const auto* part :
         {&splits->attacker_validation, &splits->selection, &splits->certification}) {
      for (const size_t i : *part) EXPECT_FALSE(victim.contains(items[i].digest));
    }
  }
}

TEST(Splits, VictimDataIsKnownByNameByContentAndThroughDuplicates) {
  const auto items = make_items(400, 300);
  SplitOptions options;
  options.victim_train = VictimTrain{{"picture-0350", "elsewhere"}, {items[7].digest}};
  const auto splits = make_splits(items, options);
  ASSERT_TRUE(splits);
  EXPECT_TRUE(splits->victim_train_known);
  EXPECT_EQ(splits->victim_train, 2U);
  EXPECT_EQ(splits->victim_train_not_found, 1U);
  for (const size_t kept_out : {size_t{50}, size_t{7}}) {
    EXPECT_EQ(std::ranges::count(splits->certification, kept_out), 0);
    EXPECT_EQ(std::ranges::count(splits->selection, kept_out), 0);
  }
  EXPECT_FALSE(make_splits(items, {})->victim_train_known);
}

TEST(Splits, RefuseWhatCanNotBeSplit) {
  const auto message = [](const std::vector<Item>& items, const SplitOptions& options) {
    const auto found = make_splits(items, options);
    return found ? std::string("accepted") : found.error().message;
  };
  EXPECT_THAT(message(make_items(90, 90), {}),
              HasSubstr("certification would get 18 of 90 different ones (the victim was trained "
                        "on 0 of them), want 20 or more"));
  EXPECT_THAT(message({}, {}), HasSubstr("too few inputs"));
  EXPECT_THAT(message(make_items(500, 3), {}), HasSubstr("of 3 different ones"));
  EXPECT_THAT(message(make_items(500, 500, 1), {}),
              HasSubstr("all 500 inputs are of class 0, want 2 classes or more"));
  EXPECT_EQ(message(make_items(500, 500, 0), {}), "accepted") << "no labels at all";
  auto items = make_items(500, 500);
  items[3].label = -1;
  EXPECT_THAT(message(items, {}), HasSubstr("499 of 500 inputs have a label ('picture-0003'"));
  items = make_items(500, 500);
  items[3].id = items[4].id;
  EXPECT_THAT(message(items, {}), HasSubstr("'picture-0004' occurs twice"));
  SplitOptions options;
  options.certification = 0;
  EXPECT_THAT(message(make_items(500, 500), options), HasSubstr("a share of 0"));
  options.certification = 0.9;
  EXPECT_THAT(message(make_items(500, 500), options), HasSubstr("shares sum to 1.7"));
  SplitOptions all;
  all.victim_train.emplace();
  for (const Item& item : make_items(500, 500)) all.victim_train->ids.push_back(item.id);
  EXPECT_THAT(message(make_items(500, 500), all), HasSubstr("certification would get 0 of 500"));
}

TEST(Splits, AreRecorded) {
  const auto items = make_items(500, 400);
  const auto splits = make_splits(items, {});
  Source source = {"images", "photos", "", 3, {}};
  for (int i = 0; i < 150; ++i) source.skipped.push_back({fmt::format("bad-{}", i), "damaged"});
  const auto json = nlohmann::json::parse(splits_json(source, items, *splits));
  EXPECT_EQ(json["schema"], "cloister/splits/1");
  EXPECT_EQ(json["seed"], 1);
  EXPECT_EQ(json["equal_inputs_removed"], 100);
  EXPECT_EQ(json["exact_duplicates_removed"], 3);
  EXPECT_EQ(json["victim_train"], "unknown");
  EXPECT_EQ(json["skipped"]["count"], 150);
  EXPECT_THAT(json["skipped"]["first"], SizeIs(100));
  std::vector<std::string> ids;
  for (const size_t i : splits->selection) ids.push_back(items[i].id + "\n");
  std::ranges::sort(ids);
  std::string list;
  for (const std::string& id : ids) list += id;
  EXPECT_EQ(json["parts"]["selection"]["inputs"], 40);
  EXPECT_EQ(json["parts"]["selection"]["ids_sha256"], to_hex(sha256(as_bytes(list))));
}

TEST(Holdout, PartsShareNothingAndDependOnContentAlone) {
  std::vector<Item> all;
  for (size_t i = 0; i < 200; ++i) {
    all.push_back({.id = fmt::format("line {}", i),
                   .digest = sha256(as_bytes(fmt::format("content {}", i % 160))),
                   .label = static_cast<int64_t>(i % 3)});
  }
  const auto holdout = make_holdout(all, 0.25, 1);
  ASSERT_TRUE(holdout) << holdout.error().message;
  EXPECT_EQ(holdout->validation.size(), 40U);
  EXPECT_EQ(holdout->training.size(), 120U);
  EXPECT_EQ(holdout->duplicates, 40U);
  EXPECT_EQ(holdout->label_conflicts, 40U) << "160 is no multiple of 3";
  std::set<Digest> seen;
  for (const auto* part : {&holdout->training, &holdout->validation}) {
    for (const size_t i : *part) EXPECT_TRUE(seen.insert(all[i].digest).second);
  }
  EXPECT_EQ(make_holdout(all, 0.25, 1)->validation, holdout->validation);
  EXPECT_NE(make_holdout(all, 0.25, 2)->validation, holdout->validation);
  EXPECT_TRUE(make_holdout(all, 0, 1)->validation.empty());
}

TEST(Holdout, RefusesWhatGivesNoParts) {
  std::vector<Item> all;
  for (size_t i = 0; i < 4; ++i) {
    all.push_back({.id = std::to_string(i), .digest = sha256(as_bytes(std::to_string(i)))});
  }
  EXPECT_EQ(make_holdout(all, 1, 1).error().kind, Kind::kUsage);
  EXPECT_EQ(make_holdout(all, -0.1, 1).error().kind, Kind::kUsage);
  EXPECT_EQ(make_holdout(all, std::nan(""), 1).error().kind, Kind::kUsage);
  EXPECT_EQ(make_holdout(all, 0.1, 1).error().kind, Kind::kInvalid) << "0 of 4";
  for (Item& item : all) item.label = 5;
  EXPECT_EQ(make_holdout(all, 0.5, 1).error().kind, Kind::kInvalid) << "one class";
}

}  // namespace
}  // namespace cloister::audit
