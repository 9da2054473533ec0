// RFC 4180, and what is refused.
#include "data/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using Records = std::vector<std::vector<std::string>>;

Result<Records> read(std::string_view text, char separator = ',') {
  CsvReader reader(text, separator);
  Records records;
  std::vector<std::string> fields;
  while (true) {
    TRY(more, reader.next(fields));
    if (!more) return records;
    records.push_back(fields);
  }
}

TEST(Csv, ReadsWhatRfc4180Has) {
  EXPECT_EQ(*read("a,b\n1,2\n"), Records({{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(*read("a,b\r\n1,2"), Records({{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(*read("\"a,\"\"b\r\n\",c\n"), Records({{"a,\"b\r\n", "c"}}));
  EXPECT_EQ(*read("\xef\xbb\xbf"
                  "a\n"),
            Records({{"a"}}))
      << "byte order mark";
  EXPECT_EQ(*read("\"\",x,"), Records({{"", "x", ""}}));
  EXPECT_EQ(*read(" a , b\n"), Records({{" a ", " b"}})) << "spaces belong to the field";
  EXPECT_THAT(*read(""), IsEmpty());
}

TEST(Csv, EmptyLinesAreNoRecords) {
  const Records two = {{"a", "b"}, {"1", ""}};
  for (const std::string_view text : {"a,b\n1,\n\n", "a,b\n\n1,\n", "\n\r\na,b\r\n1,\r\n\r\n",
                                      "a,b\n  \t\n1,\n \n ", "\xef\xbb\xbf\na,b\n1,"}) {
    EXPECT_EQ(*read(text), two) << testing::PrintToString(text);
  }
  EXPECT_EQ(*read(",\n\"\"\n"), Records({{"", ""}, {""}})) << "cells that are empty are there";
  EXPECT_EQ(*read("\n \n"), Records());
  EXPECT_EQ(*read("a\tb\n \t\n\t\n", '\t'), Records({{"a", "b"}, {" ", ""}, {"", ""}}))
      << "a separator is no space";
}

TEST(Csv, OtherSeparators) {
  EXPECT_EQ(*read("a;\"b;\"\"c\"\n1,5;2\n", ';'), Records({{"a", "b;\"c"}, {"1,5", "2"}}));
  EXPECT_EQ(*read("a\tb\r\n", '\t'), Records({{"a", "b"}}));
}

TEST(Csv, LinesCountThroughQuotes) {
  CsvReader reader("h\n\"two\nlines\"\n\nlast\n");
  std::vector<std::string> fields;
  std::vector<uint64_t> lines;
  while (*reader.next(fields)) lines.push_back(reader.line());
  EXPECT_THAT(lines, ElementsAre(1, 2, 5));
}

TEST(Csv, RefusesWithTheLine) {
  const std::pair<std::string, std::string> table[] = {
      {"a\nb\"c\n", "line 2: a quote inside an unquoted field"},
      {"a\n\"b\"c\n", "line 2: text after a closing quote"},
      {"a\n\"b\n\n", "line 2: a quote opens and never closes"},
      {"a\rb\n", "line 1: a carriage return without a line feed"},
      {"a\r", "line 1: a carriage return without a line feed"},
      {"a\n \r", "line 2: a carriage return without a line feed"},
      {std::string("a\n\0\n", 4), "line 2: a zero byte"},
      {std::string("a\n\"\0\"\n", 6), "line 2: a zero byte"},
      {std::string(70'000, ','), "line 1: more than 65536 fields"},
      {std::string(1'100'000, 'x'), "line 1: a field of more than 1 MiB"},
      {'"' + std::string(1'100'000, 'x') + '"', "line 1: a field of more than 1 MiB"},
  };
  for (const auto& [text, message] : table) {
    const auto found = read(text);
    ASSERT_FALSE(found) << message;
    EXPECT_THAT(found.error().message, StartsWith(message));
  }
}

}  // namespace
}  // namespace cloister::audit
