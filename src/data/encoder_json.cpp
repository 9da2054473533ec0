#include "data/encoder_json.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/parse_file.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kEncodingSchema = "cloister/encoding/1";
constexpr uint64_t kMostEncodingBytes = 64ULL << 20;
constexpr size_t kMaxWidth = 1'000'000;
constexpr double kLargest = std::numeric_limits<double>::max();

constexpr Word<Scaling> kScalings[] = {{Scaling::kStandard, "standard"},
                                       {Scaling::kMinMax, "min-max"},
                                       {Scaling::kLogStandard, "log-standard"}};
constexpr Word<CategoryCode> kCodes[] = {{CategoryCode::kOneHot, "one-hot"},
                                         {CategoryCode::kOrdinal, "ordinal"}};
constexpr Word<bool> kIsCategorical[] = {{false, "numeric"}, {true, "categorical"}};

size_t slot_count(const ColumnEncoding& column) {
  return column.categories.size() + (column.missing_slot ? 1 : 0) + (column.code.other ? 1 : 0);
}

// Where the columns' features are follows from the rest.
void place_columns(Encoding& encoding) {
  encoding.width = 0;
  for (ColumnEncoding& column : encoding.columns) {
    ColumnCode& code = column.code;
    code.first = encoding.width;
    if (!code.categorical) {
      code.width = code.indicator ? 2 : 1;
    } else {
      code.width = encoding.encoder.category_code == CategoryCode::kOneHot ? slot_count(column) : 1;
    }
    encoding.width += code.width;
  }
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, ColumnEncoding> r) {
  io.text("name", r.code.name, kMostEncodingBytes);
  io.word("kind", r.code.categorical, kIsCategorical);
  if (r.code.categorical) {
    io.texts_or_empty("categories", r.categories, kMostEncodingBytes, kMostEncodingBytes);
    io.flag("missing", r.missing_slot);
    io.flag("other", r.code.other);
    io.integer("merged", r.code.merged, 0, kMaxCount);
  } else {
    io.real("centre", r.code.centre, -kLargest, kLargest);
    io.real("spread", r.code.spread, 0, kLargest);
    io.real("fill", r.code.fill, -kLargest, kLargest);
    io.flag("indicator", r.code.indicator);
  }
}

template <typename Io>
void fields(Io& io, Of<Io, Encoding> r) {
  io.schema("schema", kEncodingSchema);
  io.group("table", [&](auto& table) {
    table.text_or_empty("label", r.table.label, kMostEncodingBytes);
    table.texts_or_empty("class_names", r.table.class_names, kMostEncodingBytes,
                         kMostEncodingBytes);
    table.integer("classes", r.table.classes, 0, 1 << 30);
    table.texts_or_empty("dropped", r.table.drop, kMostEncodingBytes, kMostEncodingBytes);
    table.texts_or_empty("missing", r.table.missing, kMostEncodingBytes, kMostEncodingBytes);
    table.flag("skip_ragged", r.table.skip_ragged);
  });
  io.word("scaling", r.encoder.scaling, kScalings);
  io.word("category_code", r.encoder.category_code, kCodes);
  io.integer("max_categories", r.encoder.max_categories, 2, kMaxWidth);
  io.integer("features", r.width, 0, kMaxWidth);
  io.list("columns", r.columns, kMaxWidth);
}

namespace {

Result<> check_column(const ColumnEncoding& column) {
  if (!column.code.categorical) {
    if (column.code.spread == 0) return invalid("spread: 0, want more than 0");
    return {};
  }
  std::set<std::string_view> seen;
  for (const std::string& name : column.categories) {
    if (!seen.insert(name).second) {
      return invalid("categories: '{}' occurs twice", printable(name, 40));
    }
  }
  if (slot_count(column) > 0) return {};
  return invalid("categories: none, want a category or a place for missing cells");
}

// What no field can tell alone.
Result<> check(const Encoding& encoding) {
  if (encoding.columns.empty()) return invalid("columns: none, want 1 or more");
  std::set<std::string_view> seen = {encoding.table.label};
  seen.insert(encoding.table.drop.begin(), encoding.table.drop.end());
  for (size_t i = 0; i < encoding.columns.size(); ++i) {
    const ColumnEncoding& column = encoding.columns[i];
    if (!seen.insert(column.code.name).second) {
      return invalid("columns[{}].name: '{}' occurs twice, is dropped, or is the label", i,
                     printable(column.code.name, 40));
    }
    if (const Result<> checked = check_column(column); !checked) {
      return invalid("columns[{}].{}", i, checked.error().message);
    }
  }
  return {};
}

Result<Encoding> parse_encoding_json(std::string_view json) {
  TRY(encoding, read_json_record<Encoding>(json, kEncodingSchema, kMostEncodingBytes));
  TRY_OK(check(encoding));
  for (const ColumnEncoding& column : encoding.columns) {
    (column.code.categorical ? encoding.table.categorical : encoding.table.numeric)
        .push_back(column.code.name);
  }
  const size_t features = encoding.width;
  place_columns(encoding);
  if (features == encoding.width) return encoding;
  return invalid("features: {}, but the columns have {}", features, encoding.width);
}

// The table's code of a category's name; -1, which no row has, where the table does not know it.
double code_in(const Column& column, const std::string& name) {
  const auto at = std::ranges::lower_bound(column.categories, name);
  if (at == column.categories.end() || *at != name) return -1;
  return static_cast<double>(at - column.categories.begin());
}

Result<> check_columns(const Encoding& encoding, const Table& table) {
  const auto has = [](const auto& list, const std::string& name, auto projection) {
    return std::ranges::find(list, name, projection) != list.end();
  };
  const auto name_of = [](const ColumnEncoding& column) { return column.code.name; };
  for (const Column& column : table.columns) {
    if (!has(encoding.columns, column.name, name_of)) {
      return invalid("column '{}' of the table is not in the encoding", printable(column.name));
    }
  }
  for (size_t c = 0; c < encoding.columns.size(); ++c) {
    const ColumnCode& want = encoding.columns[c].code;
    if (!has(table.columns, want.name, &Column::name)) {
      return invalid("the table has no column '{}', which the encoding wants",
                     printable(want.name));
    }
    if (c >= table.columns.size() || table.columns[c].name != want.name) {
      return invalid("column '{}' of the table is at another position than in the encoding",
                     printable(want.name));
    }
    if (table.columns[c].categorical != want.categorical) {
      return invalid("column '{}' of the table is {}, the encoding wants {}", printable(want.name),
                     want.categorical ? "numeric" : "categorical",
                     want.categorical ? "categorical" : "numeric");
    }
  }
  return {};
}

}  // namespace

Encoding make_encoding(const TableEncoder& encoder, const Table& table,
                       const TableOptions& options) {
  Encoding out;
  out.table = options;
  out.encoder = encoder.options();
  out.table.numeric.clear();
  out.table.categorical.clear();
  out.table.separator = 0;  // that of a file
  out.table.drop.insert(out.table.drop.end(), table.left_out.begin(), table.left_out.end());
  if (!table.class_names.empty()) out.table.class_names = table.class_names;
  for (size_t c = 0; c < encoder.columns().size(); ++c) {
    ColumnEncoding column{.code = encoder.columns()[c]};
    const std::vector<std::string>& names = table.columns[c].categories;
    for (const double slot : std::exchange(column.code.slots, {})) {
      if (slot < 0) continue;
      const auto code = static_cast<size_t>(slot);
      if (code < names.size()) {
        column.categories.push_back(names[code]);
      } else {
        column.missing_slot = true;
      }
    }
    (column.code.categorical ? out.table.categorical : out.table.numeric)
        .push_back(column.code.name);
    out.columns.push_back(std::move(column));
  }
  place_columns(out);
  return out;
}

Result<std::string> encoding_json(const Encoding& encoding) {
  auto text = write_indented_record(encoding);
  if (!text) {
    return fail(Kind::kUnsupported, "the table has names or categories that are not UTF-8");
  }
  return text;
}

Result<Encoding> parse_encoding(std::string_view json) {
  auto parsed = parse_encoding_json(json);
  if (!parsed) return with_context(parsed.error(), "encoding record");
  return parsed;
}

Result<Encoding> read_encoding(const fs::path& path) {
  return parse_file(path, kMostEncodingBytes, parse_encoding);
}

Result<TableEncoder> bind_encoding(const Encoding& encoding, const Table& table) {
  TRY_OK(check_columns(encoding, table));
  std::vector<ColumnCode> codes;
  for (size_t c = 0; c < encoding.columns.size(); ++c) {
    const ColumnEncoding& column = encoding.columns[c];
    ColumnCode code = column.code;
    for (const std::string& name : column.categories) {
      code.slots.push_back(code_in(table.columns[c], name));
    }
    if (column.missing_slot) {
      code.slots.push_back(static_cast<double>(table.columns[c].categories.size()));
    }
    if (code.other) code.slots.push_back(-1);
    codes.push_back(std::move(code));
  }
  return TableEncoder::from_codes(encoding.encoder, std::move(codes), encoding.width);
}

}  // namespace cloister::audit
