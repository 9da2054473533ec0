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

TEST(Table, NumbersAsPeopleWriteThem) {
  const auto table = parse_table("a,b,c\n+2.7,1e-400, 7\n-3, +1e3 ,8\n5,0,\" \"\n", {});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_THAT(table->columns[0].numbers, ElementsAre(2.7, -3, 5));
  EXPECT_THAT(table->columns[1].numbers, ElementsAre(0, 1000, 0));
  EXPECT_EQ(table->columns[2].missing, 1U);
  TableOptions labelled;
  labelled.label = "l";
  EXPECT_EQ(parse_table("a,l\n1,+1\n2,0\n", labelled)->items[0].label, 1);

  const auto message = [](std::string_view csv, const TableOptions& options = {}) {
    const auto found = parse_table(csv, options);
    return found ? std::string("accepted") : found.error().message;
  };
  EXPECT_EQ(message("x,a\n1,2\n3,1e400\n"),
            "line 3: column 'a' is '1e400', more than a number can be, want at most 1.8e308; or "
            "name the column in --categorical");
  EXPECT_EQ(message("x;a\n1;2,5\n3;4\n"),
            "line 2: column 'a' is '2,5', want a number with a decimal point; or name the column "
            "in --categorical");
  TableOptions named;
  named.numeric = {"a"};
  EXPECT_THAT(message("a\n-1e999\n", named), HasSubstr("line 2: column 'a' is '-1e999', more"));
  named = {};
  named.categorical = {"a"};
  EXPECT_EQ(message("a\n1e400\n2\n", named), "accepted");
  EXPECT_EQ(message("a\n1e400\nb7\n"), "accepted") << "a column of names like these";
}

TEST(Table, EmptyLinesAndTrailingSeparatorsAreNoRows) {
  const auto plain = parse_table("a,b\n1,x\n2,y\n", {});
  for (const std::string_view csv :
       {"a,b\n1,x\n2,y\n\n", "a,b\n\n1,x\n \n2,y\n", "a,b,\n1,x,\n2,y,\n", "a,b,\n1,x\n2,y\n",
        "a,b\r\n1,x,,\r\n2,y,\r\n", "\xef\xbb\xbf\"a\",b\n1,\"x\"\n2,y\n", "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n", "a|b\n1|x\n2|y\n", "sep=;\na;b\n1;x\n2;y\n"}) {
    const auto table = parse_table(csv, {});
    ASSERT_TRUE(table) << testing::PrintToString(csv) << table.error().message;
    ASSERT_THAT(table->columns, SizeIs(2)) << csv;
    EXPECT_EQ(table->rows_read, 2U);
    EXPECT_EQ(table->columns[0].numbers, plain->columns[0].numbers);
    EXPECT_EQ(table->columns[1].categories, plain->columns[1].categories);
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(table->items[i].digest, plain->items[i].digest);
  }
  EXPECT_THAT(parse_table("a,b\n1,x,,\n2,y,\n", {})->notes,
              ElementsAre("2 rows end in more separators than the header: passed over"));
  EXPECT_THAT(parse_table("a,b,\n1,x,\n", {})->notes,
              ElementsAre("column 'column 3' is empty: left out"));
  EXPECT_THAT(parse_table("a;b\n1;x\n", {})->notes,
              ElementsAre("cells are separated by semicolons"));
  TableOptions comma;
  comma.separator = ',';
  EXPECT_THAT(parse_table("a;b\n1;x\n", comma)->columns, SizeIs(1));
}

TEST(Table, AColumnWithoutANameGetsOne) {
  const auto table = parse_table(",a\n0,7\n1,5\n2,7\n", {});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->columns[0].name, "column 1");
  EXPECT_THAT(table->notes,
              ElementsAre("column 1 has no name in the header: called 'column 1'; it counts the "
                          "rows: leave it out with --drop 'column 1'"));
  TableOptions options;
  options.drop = {"column 1"};
  const auto dropped = parse_table(",a\n0,7\n1,5\n2,7\n", options);
  ASSERT_TRUE(dropped);
  EXPECT_THAT(dropped->columns, SizeIs(1));
  EXPECT_THAT(dropped->notes, IsEmpty());
  EXPECT_EQ(dropped->items[0].digest, dropped->items[2].digest);
  EXPECT_THAT(parse_table("a,\n1,9\n2,3\n", {})->notes,
              ElementsAre("column 2 has no name in the header: called 'column 2'"));
}

TEST(Table, OtherEncodingsAreSaidToBe) {
  const auto message = [](std::string_view csv, const TableOptions& options = {}) {
    const auto found = parse_table(csv, options);
    return found ? std::string("accepted") : found.error().message;
  };
  const std::string_view latin = "a,b\n1,x\n2,gr\xfc\xdf\n";
  EXPECT_EQ(message(latin),
            "line 3: column 'b' has 'gr\\xfc\\xdf', which is not UTF-8 (byte 0xfc); convert the "
            "file, for example with: iconv -f WINDOWS-1252 -t UTF-8");
  TableOptions options;
  options.label = "b";
  EXPECT_THAT(message(latin, options), HasSubstr("line 3: column 'b'"));
  options = {};
  options.drop = {"b"};
  EXPECT_EQ(message(latin, options), "accepted") << "nobody reads it";
  EXPECT_THAT(message("a,gr\xfc\xdf\n1,2\n"),
              HasSubstr("line 1: the name of column 2 is 'gr\\xfc\\xdf', which is not UTF-8"));
  EXPECT_THAT(message("a\n\xc3\xbc\n"), "accepted");
  using std::string_view_literals::operator""sv;
  EXPECT_THAT(message("\xff\xfe"
                      "a\0,\0"sv),
              HasSubstr("line 1: UTF-16, want UTF-8"));
  EXPECT_THAT(message("\xfe\xff\0a"sv), HasSubstr("iconv -f UTF-16 -t UTF-8"));
  EXPECT_THAT(message("a\0,\0"sv), HasSubstr("line 1: a zero byte, want text in UTF-8 (UTF-16"));
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
  EXPECT_EQ(message("column 2,\n1,2\n"), "header: column 'column 2' occurs twice");
  EXPECT_EQ(message("a,b\n1,2\n1,2,3\n"), "line 3: 3 cells, the header has 2");
  EXPECT_EQ(message("a,b;c\n1,2\n1,2,3\n"),
            "line 3: 3 cells, the header has 2 (which has semicolons: is the separator right?)");
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
