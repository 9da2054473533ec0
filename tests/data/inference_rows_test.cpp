// Rows to ask a model about: every one of them, in order, whatever the table has besides.
#include "data/inference_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kTraining =
    "id,n,proto,type\n1,10,tcp,a\n2,20,udp,b\n3,30,tcp,a\n4,40,udp,b\n";

Encoding encoding_of(std::string_view csv = kTraining, const EncoderOptions& options = {}) {
  TableOptions table_options;
  table_options.label = "type";
  table_options.drop = {"id"};
  const auto table = parse_table(csv, table_options);
  EXPECT_TRUE(table) << table.error().message;
  std::vector<size_t> all;
  for (size_t i = 0; i < table->items.size(); ++i) all.push_back(i);
  const auto encoder = TableEncoder::fit(*table, all, options);
  EXPECT_TRUE(encoder);
  // As it comes out of a bundle.
  return *parse_encoding(*encoding_json(make_encoding(*encoder, *table, table_options)));
}

InferenceRows rows_of(std::string_view csv, const Encoding& encoding = encoding_of()) {
  auto rows = parse_inference_rows(csv, encoding);
  EXPECT_TRUE(rows) << rows.error().message;
  return rows ? std::move(*rows) : InferenceRows();
}

std::vector<float> floats(const InferenceRows& rows) {
  const auto values = rows.features.as<float>();
  return {values.begin(), values.end()};
}

TEST(InferenceRows, AreWhatTrainingRowsWere) {
  const Encoding encoding = encoding_of();
  const auto trained = parse_table(kTraining, encoding.table);
  ASSERT_TRUE(trained);
  const size_t all[] = {0, 1, 2, 3};
  const auto want = bind_encoding(encoding, *trained)->encode(*trained, all);
  const InferenceRows rows = rows_of(kTraining, encoding);
  EXPECT_EQ(rows.features.shape(), (Shape{4, 3}));
  const auto values = want->as<float>();
  EXPECT_EQ(floats(rows), std::vector<float>(values.begin(), values.end()));
  EXPECT_THAT(rows.lines, ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(rows.unseen, IsEmpty());
  EXPECT_THAT(rows.notes, IsEmpty());
}

TEST(InferenceRows, EveryRowIsKeptInOrder) {
  const std::vector<float> want = floats(rows_of(kTraining));
  for (const std::string_view csv :
       {"n,proto\n10,tcp\n20,udp\n30,tcp\n40,udp\n", "proto,n\ntcp,10\nudp,20\ntcp,30\nudp,40\n",
        "id,n,proto,type\n,10,tcp,\n,20,udp,never heard of\n,30,tcp,-\n,40,udp,a\n",
        "type;n;proto\nx;10;tcp\n\ny;20;udp;\nz;30;tcp\n;+40;udp\n\n"}) {
    EXPECT_EQ(floats(rows_of(csv)), want) << csv;
  }
  const InferenceRows same = rows_of("n,proto\n10,tcp\n10,tcp\n\n10,tcp\n");
  EXPECT_EQ(same.features.shape()[0], 3);
  EXPECT_THAT(same.lines, ElementsAre(2, 3, 5));
  EXPECT_EQ(rows_of("n,proto,more,\n10,tcp,7,\n").notes,
            std::vector<std::string>{"column 'more' is none of the model's: passed over"});
}

TEST(InferenceRows, WhatTrainingDidNotSeeIsSaid) {
  const InferenceRows rows = rows_of("n,proto\n10,tcp\n,sctp\n30,\n40,quic\n");
  ASSERT_THAT(rows.unseen, SizeIs(4));
  EXPECT_EQ(rows.unseen[0].row, 1U);
  EXPECT_EQ(rows.unseen[0].line, 3U);
  EXPECT_EQ(rows.unseen[0].column, "n");
  EXPECT_FALSE(rows.unseen[0].value);
  EXPECT_EQ(rows.unseen[0].taken_as, "25");
  EXPECT_EQ(rows.unseen[1].value, "sctp");
  EXPECT_EQ(rows.unseen[1].taken_as, "no category");
  EXPECT_FALSE(rows.unseen[2].value);
  EXPECT_EQ(rows.features.as<float>()[1 * 3 + 1], 0);
  EXPECT_EQ(rows.features.as<float>()[1 * 3 + 2], 0);
  EXPECT_THAT(unseen_notes(rows.unseen),
              ElementsAre("column 'n': 1 row has what training did not see; the first, row 2 (line "
                          "3), is missing, and is taken for 25",
                          "column 'proto': 2 rows have what training did not see; the first, row 2 "
                          "(line 3), is 'sctp', and is taken for no category",
                          "column 'proto': 1 row has what training did not see; the first, row 3 "
                          "(line 4), is missing, and is taken for no category"));

  const Encoding ordinal = encoding_of(kTraining, {.category_code = CategoryCode::kOrdinal});
  EXPECT_EQ(rows_of("n,proto\n1,sctp\n", ordinal).unseen.at(0).taken_as, "'tcp'");
  std::string many = "id,n,proto,type\n";
  for (int i = 0; i < 5; ++i) many += fmt::format("{0},{0},p{0},{1}\n", i, i % 2);
  const Encoding rare = encoding_of(many, {.max_categories = 3});
  EXPECT_EQ(rows_of("n,proto\n1,sctp\n", rare).unseen.at(0).taken_as, "one of the rare categories");

  const Encoding holes = encoding_of("id,n,proto,type\n1,,tcp,a\n2,5,,b\n3,6,udp,a\n");
  EXPECT_THAT(rows_of("n,proto\n,-\n", holes).unseen, IsEmpty()) << "training had missing cells";
}

TEST(InferenceRows, RefusesWithTheLine) {
  const Encoding encoding = encoding_of();
  const auto message = [&](std::string_view csv, char separator = 0) {
    const auto found = parse_inference_rows(csv, encoding, separator);
    return found ? std::string("accepted") : found.error().message;
  };
  EXPECT_EQ(message(""), "empty file, want a header");
  EXPECT_EQ(message("n,proto\n"), "no rows below the header");
  EXPECT_EQ(message("n,proto\n1,tcp\n2\n"), "line 3: 1 cells, the header has 2")
      << "even where training skipped such rows";
  EXPECT_EQ(message("n,proto\n1,tcp\nx,tcp\n"), "line 3: column 'n' is 'x', want a number");
  EXPECT_EQ(message("n;proto\n1,5;tcp\n"),
            "line 2: column 'n' is '1,5', want a number with a decimal point");
  EXPECT_THAT(message("n,proto\n1e400,tcp\n"), HasSubstr("line 2: column 'n' is '1e400', more"));
  EXPECT_THAT(message("n,proto\n1,\xfc\n"), HasSubstr("line 2: column 'proto' has '\\xfc'"));
  EXPECT_EQ(message("type,proto\n1,tcp\n"),
            "the model's column 'n' is not among the 2 of the header; near: 'type', 'proto'");
  EXPECT_THAT(message("n;proto\n1;tcp\n", ','), HasSubstr("column 'n' is not among the 1"));
  Encoding skips = encoding;
  skips.table.skip_ragged = true;
  EXPECT_FALSE(parse_inference_rows("n,proto\n1,tcp\n2\n", skips));
  EXPECT_EQ(read_inference_rows("/no/such.csv", encoding).error().kind, Kind::kNotFound);
  EXPECT_EQ(parse_inference_rows("proto\n1\n", encoding).error().kind, Kind::kUsage);
}

}  // namespace
}  // namespace cloister::audit
