// Tables: kinds, missing cells, duplicates, labels, and what is refused; and the real TON_IoT.
#include "data/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kSmall =
    "port,proto,bytes,service,type\n"
    "80,tcp,1.5,http,normal\n"
    "443,udp,-,-,attack\n"
    "80,tcp,1.5,http,normal\n"
    "22,tcp,-2e3,ssh,normal\n";

TEST(Table, InfersKindsAndRemovesDuplicates) {
  TableOptions options;
  options.label = "type";
  const auto table = parse_table(kSmall, options);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->rows_read, 4U);
  EXPECT_EQ(table->source.removed_early, 1U);
  ASSERT_THAT(table->columns, SizeIs(4));
  EXPECT_THAT(table->columns[0].numbers, ElementsAre(80, 443, 22));
  EXPECT_THAT(table->columns[1].categories, ElementsAre("tcp", "udp"));
  EXPECT_THAT(table->columns[1].codes, ElementsAre(0, 1, 0));
  EXPECT_THAT(table->columns[2].numbers, ElementsAre(1.5, testing::IsNan(), -2000));
  EXPECT_EQ(table->columns[2].missing, 1U);
  EXPECT_THAT(table->columns[3].codes, ElementsAre(0, 2, 1)) << "missing is the last code";
  EXPECT_TRUE(table->columns[3].is_missing(1));
  EXPECT_EQ(table->columns[3].value(1), 2);
  EXPECT_THAT(table->class_names, ElementsAre("attack", "normal"));
  EXPECT_EQ(table->items[0].label, 1);
  EXPECT_EQ(table->items[1].label, 0);
  EXPECT_EQ(table->items[2].id, "line 5");
  EXPECT_THAT(table->notes, IsEmpty());
  EXPECT_THAT(table->source.sha256, SizeIs(64));
}

TEST(Table, DroppedColumnsMakeRowsEqual) {
  TableOptions options;
  options.drop = {"port", "type"};
  const auto table = parse_table("port,a,type\n1,x,p\n2,x,q\n3,y,q\n", options);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->source.removed_early, 0U);
  EXPECT_EQ(table->items[0].digest, table->items[1].digest);
  EXPECT_NE(table->items[0].digest, table->items[2].digest);
  EXPECT_EQ(table->items[0].label, -1);
}

TEST(Table, CellsAreNotRunTogether) {
  const auto table = parse_table("a,b\nxy,z\nx,yz\n", {});
  EXPECT_NE(table->items[0].digest, table->items[1].digest);
}

TEST(Table, FlagsOverrideTheInference) {
  TableOptions options;
  options.categorical = {"port"};
  options.drop = {"type"};
  const auto table = parse_table(kSmall, options);
  EXPECT_THAT(table->columns[0].categories, ElementsAre("22", "443", "80"));
  options.numeric = {"proto"};
  EXPECT_THAT(parse_table(kSmall, options).error().message,
              HasSubstr("line 2: column 'proto' is 'tcp', want a number"));
}

TEST(Table, OddColumnsAreNoted) {
  const auto table = parse_table("a,b,c\n1,,x\n2,-,y\n0.0.0.0,,z\n", {});
  ASSERT_TRUE(table);
  EXPECT_THAT(table->columns, SizeIs(2));
  EXPECT_THAT(table->notes,
              testing::UnorderedElementsAre(
                  "column 'a': 2 of 3 cells are numbers, but not '0.0.0.0' in line 4: taken as "
                  "categorical",
                  "column 'b' is empty: left out"));
}

TEST(Table, SkipsAreCountedAndReported) {
  TableOptions options;
  options.label = "l";
  options.skip_ragged = true;
  const auto table = parse_table("a,l\n1,0\n2\n3,-\n4,1\n5,6,7\n", options);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->rows_read, 5U);
  EXPECT_THAT(table->items, SizeIs(2));
  ASSERT_THAT(table->source.skipped, SizeIs(3));
  EXPECT_EQ(table->source.skipped[0].id, "line 3");
  EXPECT_EQ(table->source.skipped[0].reason, "1 cells, the header has 2");
  EXPECT_EQ(table->source.skipped[1].reason, "no label in column 'l'");
}

TEST(Table, ClassesByNameAndNumber) {
  TableOptions options;
  options.label = "type";
  options.class_names = {"normal", "backdoor", "attack"};
  EXPECT_EQ(parse_table(kSmall, options)->items[1].label, 2);
  options.class_names = {"normal"};
  EXPECT_THAT(parse_table(kSmall, options).error().message,
              HasSubstr("line 3: label 'attack' is not one of the 1 classes"));
  TableOptions numbers;
  numbers.label = "l";
  EXPECT_EQ(parse_table("a,l\n1,7\n2,0\n", numbers)->items[0].label, 7);
  numbers.classes = 7;
  EXPECT_THAT(parse_table("a,l\n2,0\n1,7\n", numbers).error().message,
              HasSubstr("line 3: label 7, want 0 or more and under 7"));
  EXPECT_THAT(parse_table("a,l\n2,0\n1,-1\n", numbers).error().message, HasSubstr("label -1"));
  EXPECT_THAT(parse_table("a,l\n2,0\n1,cat\n", numbers).error().message,
              HasSubstr("'l' has 'cat', want a whole number under 7"));
}

TEST(Table, RefusesWithTheLine) {
  const auto message = [](std::string_view csv, const TableOptions& options = {}) {
    const auto found = parse_table(csv, options);
    return found ? std::string("accepted") : found.error().message;
  };
  EXPECT_EQ(message(""), "empty file, want a header");
  EXPECT_EQ(message("a,b\n"), "no rows below the header");
  EXPECT_EQ(message("a,a\n1,2\n"), "header: column 'a' occurs twice");
  EXPECT_EQ(message("a,\n1,2\n"), "header: column 2 has no name");
  EXPECT_EQ(message("a,b\n1,2\n1,2,3\n"), "line 3: 3 cells, the header has 2");
  EXPECT_EQ(message("a,b\n1,2\n\n"), "line 3: 1 cells, the header has 2");
  EXPECT_THAT(message("a,b\n1,\"2\n"), HasSubstr("line 2: a quote opens"));
  TableOptions options;
  options.label = "tpye";
  EXPECT_THAT(message(kSmall, options),
              HasSubstr("label column 'tpye' is not among the 5 of the header; near: 'type'"));
  options.label = "type";
  options.drop = {"port", "proto", "bytes", "service"};
  EXPECT_EQ(message(kSmall, options), "no columns are left");
  TableOptions unlabelled;
  unlabelled.label = "l";
  EXPECT_THAT(message("a,l\n1,-\n", unlabelled), HasSubstr("none of 1 rows is left"));
  EXPECT_EQ(read_table("/no/such.csv", {}).error().kind, Kind::kNotFound);
}

TEST(Table, TonIotsDuplicatesAreFound) {
  CLOISTER_NEEDS_SHARED_DATA("ton_iot/train_test_network.csv.xz");
  const test::TempDir dir;
  const fs::path csv = dir / "ton_iot.csv";
  const std::string unpack =
      fmt::format("xz -dc '{}' >'{}'",
                  test::shared_data("ton_iot/train_test_network.csv.xz").string(), csv.string());
  ASSERT_EQ(std::system(unpack.c_str()), 0);
  TableOptions options;
  options.label = "type";
  options.drop = {"label"};
  const auto table = read_table(csv, options);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->rows_read, 211'043U);
  EXPECT_EQ(table->source.removed_early, 20'569U);
  EXPECT_THAT(table->source.skipped, IsEmpty());
  EXPECT_THAT(table->columns, SizeIs(42));
  EXPECT_THAT(table->class_names, SizeIs(10));
  const auto kind = [&](const std::string& name) {
    return std::ranges::find(table->columns, name, &Column::name)->categorical;
  };
  EXPECT_TRUE(kind("src_ip"));
  EXPECT_FALSE(kind("src_port"));
  EXPECT_FALSE(kind("http_trans_depth"));
  const auto splits = make_splits(table->items, {});
  ASSERT_TRUE(splits) << splits.error().message;
  std::set<Digest> seen;
  size_t total = 0;
  for (const auto* part : {&splits->attacker_train, &splits->attacker_validation,
                           &splits->selection, &splits->certification}) {
    for (const size_t i : *part) seen.insert(table->items[i].digest);
    total += part->size();
  }
  EXPECT_EQ(seen.size(), total);
  EXPECT_EQ(total + splits->duplicates + splits->unused, table->items.size());
  RecordProperty("equal_inputs", static_cast<int>(splits->duplicates));
  RecordProperty("label_conflicts", static_cast<int>(splits->label_conflicts));

  options.drop = {"label", "src_ip", "src_port", "dst_ip", "dst_port"};
  const auto honest = read_table(csv, options);
  ASSERT_TRUE(honest);
  const auto fewer = make_splits(honest->items, {});
  ASSERT_TRUE(fewer);
  RecordProperty("equal_inputs_without_addresses", static_cast<int>(fewer->duplicates));
  EXPECT_GT(fewer->duplicates, splits->duplicates);
}

}  // namespace
}  // namespace cloister::audit
