// The encoding that travels with a model: it must give other tables the features that the model
// was trained on.
#include "data/encoder_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/temp_dir.h"

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kCsv =
    "n,proto,m,empty,ip,kind\n"
    "1,tcp,5,-,a,normal\n"
    "2,udp,-,-,b,scan\n"
    "3,tcp,7,-,c,normal\n"
    "6,-,9,-,d,scan\n"
    "9,icmp,9,-,e,dos\n";

TableOptions options() {
  return {.label = "kind", .drop = {"ip"}};
}

std::vector<size_t> rows(const Table& table) {
  std::vector<size_t> out(table.items.size());
  std::iota(out.begin(), out.end(), size_t{0});
  return out;
}

struct Fitted {
  Table table = *parse_table(kCsv, options());
  TableEncoder encoder;
  Encoding encoding;
};

Fitted fitted(const EncoderOptions& encoder_options = {}) {
  Fitted out;
  out.encoder = *TableEncoder::fit(out.table, rows(out.table), encoder_options);
  out.encoding = make_encoding(out.encoder, out.table, options());
  return out;
}

std::string message_of(const std::string& json) {
  const auto parsed = parse_encoding(json);
  return parsed ? "" : parsed.error().message;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return at == text.npos ? text : text.replace(at, what.size(), by);
}

TEST(EncoderJson, TheRecordGivesTheSameFeatures) {
  for (const Scaling scaling : {Scaling::kStandard, Scaling::kMinMax, Scaling::kLogStandard}) {
    for (const CategoryCode code : {CategoryCode::kOneHot, CategoryCode::kOrdinal}) {
      const Fitted made = fitted({scaling, code, 3});
      const std::string json = *encoding_json(made.encoding);
      const auto read = parse_encoding(json);
      ASSERT_TRUE(read) << read.error().message << json;
      EXPECT_EQ(*encoding_json(*read), json);
      EXPECT_EQ(read->width, made.encoder.width());
      const Table again = *parse_table(kCsv, read->table);
      const auto encoder = bind_encoding(*read, again);
      ASSERT_TRUE(encoder) << encoder.error().message;
      const Tensor want = *made.encoder.encode(made.table, rows(made.table));
      const Tensor got = *encoder->encode(again, rows(again));
      EXPECT_TRUE(std::ranges::equal(want.data(), got.data()));
      for (size_t i = 0; i < again.items.size(); ++i) {
        EXPECT_EQ(again.items[i].label, made.table.items[i].label);
        EXPECT_EQ(again.items[i].digest, made.table.items[i].digest);
      }
    }
  }
}

// Other rows, other categories (so other codes), fewer classes, a numeric column without a cell.
TEST(EncoderJson, BindsNamesToAnotherTable) {
  const Fitted made = fitted();
  const Table other = *parse_table(
      "n,proto,m,empty,ip,kind\n"
      "1,zzz,-,4,a,scan\n"
      "2,udp,-,-,b,scan\n"
      "3,-,-,-,c,dos\n",
      parse_encoding(*encoding_json(made.encoding))->table);
  EXPECT_EQ(other.items[0].label, 2) << "dos, normal, scan";
  EXPECT_EQ(other.items[2].label, 0);
  const auto encoder = bind_encoding(made.encoding, other);
  ASSERT_TRUE(encoder) << encoder.error().message;
  const Tensor features = *encoder->encode(other, rows(other));
  ASSERT_EQ(features.shape(), Shape({3, 1 + 4 + 2}));
  const auto proto = [&](size_t row) {
    const auto all = features.as<float>().subspan(row * 7 + 1, 4);
    return std::vector<float>(all.begin(), all.end());
  };
  EXPECT_THAT(proto(0), ElementsAre(0, 0, 0, 0)) << "unknown";
  EXPECT_THAT(proto(1), ElementsAre(0, 0, 1, 0)) << "icmp, tcp, udp, missing";
  EXPECT_THAT(proto(2), ElementsAre(0, 0, 0, 1));
  EXPECT_EQ(features.as<float>()[6], 1) << "m is missing";
  // Decoding says "none of this table's categories" where it has none of the name.
  const Tensor tcp = *made.encoder.encode(made.table, std::vector<size_t>{0});
  EXPECT_THAT(*encoder->decode(tcp.view(), 1), ElementsAre(-1));
}

TEST(EncoderJson, WhatIsRareIsOther) {
  const Fitted made = fitted({.max_categories = 2});
  const Table other = *parse_table("n,proto,m,empty,ip,kind\n1,zzz,1,-,a,scan\n2,tcp,1,-,a,dos\n",
                                   made.encoding.table);
  const auto encoder = bind_encoding(made.encoding, other);
  ASSERT_TRUE(encoder);
  const Tensor features = *encoder->encode(other, rows(other));
  const size_t width = encoder->width();
  EXPECT_EQ(features.as<float>()[1], 0);
  EXPECT_EQ(features.as<float>()[2], 1) << "other";
  EXPECT_EQ(features.as<float>()[width + 1], 1) << "tcp";
}

TEST(EncoderJson, NamesTheColumnThatDoesNotFit) {
  const Encoding encoding = fitted().encoding;
  const auto wrong = [&](const char* csv) {
    const auto table = parse_table(csv, encoding.table);
    if (!table) return table.error().message;
    const auto bound = bind_encoding(encoding, *table);
    return bound ? "" : bound.error().message;
  };
  EXPECT_THAT(wrong("n,proto,empty,ip,kind\n1,tcp,-,a,dos\n"), HasSubstr("numeric column 'm'"));
  EXPECT_THAT(wrong("n,proto,m,empty,ip,extra,kind\n1,tcp,1,-,a,7,dos\n"),
              HasSubstr("column 'extra' of the table is not in the encoding"));
  EXPECT_THAT(wrong("proto,n,m,empty,ip,kind\ntcp,1,1,-,a,dos\n"),
              HasSubstr("column 'n' of the table is at another position"));
  EXPECT_THAT(wrong("n,proto,m,empty,ip,kind\nx,tcp,1,-,a,dos\n"),
              HasSubstr("line 2: column 'n' is 'x', want a number"));
  EXPECT_THAT(wrong("n,proto,m,empty,ip,kind\n1,tcp,1,-,a,worm\n"),
              HasSubstr("label 'worm' is not one of the 3 classes"));
  // A table that was read without the record.
  EXPECT_THAT(bind_encoding(encoding, *parse_table("n,proto\n1,tcp\n", {})).error().message,
              HasSubstr("the table has no column 'm'"));
  EXPECT_THAT(bind_encoding(encoding, *parse_table("n,proto,m\na,tcp,1\n", {})).error().message,
              HasSubstr("column 'n' of the table is categorical, the encoding wants numeric"));
}

TEST(EncoderJson, ParsingIsStrict) {
  const std::string good = *encoding_json(fitted().encoding);
  ASSERT_EQ(message_of(good), "");
  const std::tuple<std::string, std::string, std::string> table[] = {
      {"encoding/1", "encoding/2", "schema: 'cloister/encoding/2', want 'cloister/encoding/1'"},
      {"\"scaling\"", "\"scaled\": 1, \"scaling\"", "unknown key 'scaled'"},
      {"\"indicator\": false", "\"indicator\": false, \"merged\": 0",
       "columns[0]: unknown key 'merged'"},
      {"\"spread\": ", "\"spread\": 0, \"x\": ", "columns[0]: unknown key 'x'"},
      {"\"scaling\"", "\"scalin\"", "no key 'scaling'"},
      {"\"features\": 7", "\"features\": 8", "features: 8, but the columns have 7"},
      {"\"features\": 7", "\"features\": -1", "features: -1, want a whole number"},
      {"\"standard\"", "\"cubic\"", "scaling: 'cubic', want standard, min-max, log-standard"},
      {"\"max_categories\": 64", "\"max_categories\": 1",
       "max_categories: 1, want a whole number from 2 to"},
      {"\"kind\": \"numeric\"", "\"kind\": \"text\"", "columns[0].kind: 'text', want numeric"},
      {"\"spread\": ", "\"spread\": -", "spread: -"},
      {"\"spread\": ", "\"spread\": 1e999, \"x\": ", "not JSON"},
      {"\"fill\": ", "\"spread\": 1, \"fill\": ", "key 'spread' occurs twice"},
      {"\"udp\"", "\"tcp\"", "columns[1].categories: 'tcp' occurs twice"},
      {"\"name\": \"m\"", "\"name\": \"n\"", "columns[2].name: 'n' occurs twice"},
      {"\"name\": \"m\"", "\"name\": \"ip\"", "'ip' occurs twice, is dropped, or is the label"},
      {"\"name\": \"m\"", "\"name\": \"\"", "columns[2].name: 0 bytes"},
      {"\"indicator\": false", "\"indicator\": 0", "columns[0].indicator: 0, want true or false"},
      {"\"label\": \"kind\"", "\"label\": 3", "table.label: 3, want a string"},
      {"{", std::string(40, '['), "nested too deep"},
      {"{", "", "not JSON"},
  };
  for (const auto& [what, by, want] : table) {
    EXPECT_THAT(message_of(replaced(good, what, by)), HasSubstr("encoding record: ")) << by;
    EXPECT_THAT(message_of(replaced(good, what, by)), HasSubstr(want)) << by;
  }
  EXPECT_THAT(message_of(std::string(100'000, '[')), HasSubstr("nested too deep"));
  EXPECT_THAT(message_of("[]"), HasSubstr("want an object"));
}

// Bundles' manifests have the file's digest: its bytes must not change.
TEST(EncoderJson, WritesTheseBytes) {
  constexpr const char* kText = R"({
  "schema": "cloister/encoding/1",
  "table": {
    "label": "kind",
    "class_names": [
      "dos",
      "normal"
    ],
    "classes": 0,
    "dropped": [],
    "missing": [
      "",
      "-"
    ],
    "skip_ragged": false
  },
  "scaling": "standard",
  "category_code": "one-hot",
  "max_categories": 64,
  "features": 6,
  "columns": [
    {
      "name": "n",
      "kind": "numeric",
      "centre": 4.2,
      "spread": 2.9,
      "fill": 3.0,
      "indicator": true
    },
    {
      "name": "proto",
      "kind": "categorical",
      "categories": [
        "tcp",
        "udp"
      ],
      "missing": true,
      "other": true,
      "merged": 2
    }
  ]
}
)";
  const auto read = parse_encoding(kText);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*encoding_json(*read), kText);
}

TEST(EncoderJson, ASpreadIsMoreThanNothing) {
  const std::string good = *encoding_json(fitted().encoding);
  const size_t at = good.find("\"spread\": ") + 10;
  const std::string bad = good.substr(0, at) + "0" + good.substr(good.find(',', at));
  EXPECT_THAT(message_of(bad), HasSubstr("columns[0].spread: 0, want more than 0"));
}

TEST(EncoderJson, RefusesToWriteWhatIsNotUtf8) {
  Fitted made = fitted();
  made.encoding.columns[1].categories[0] = "\xff";
  EXPECT_EQ(encoding_json(made.encoding).error().kind, Kind::kUnsupported);
}

TEST(EncoderJson, ReadsFilesAndNamesThem) {
  const test::TempDir folder;
  const fs::path path = folder / "encoding.json";
  EXPECT_EQ(read_encoding(path).error().kind, Kind::kNotFound);
  ASSERT_TRUE(write_file(path, "{}"));
  EXPECT_THAT(read_encoding(path).error().message, HasSubstr("encoding.json': encoding record"));
  ASSERT_TRUE(write_file(path, *encoding_json(fitted().encoding)));
  EXPECT_TRUE(read_encoding(path));
}

}  // namespace
}  // namespace cloister::audit
