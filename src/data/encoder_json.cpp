#include "data/encoder_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/parse_file.h"
#include "record/json.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kSchema = "cloister/encoding/1";
constexpr uint64_t kMaxBytes = 64ULL << 20;
constexpr size_t kMaxWidth = 1'000'000;
constexpr uint64_t kMaxCount = 1ULL << 53;

template <typename T>
struct Word {
  std::string_view word;
  T value;
};

constexpr Word<Scaling> kScalings[] = {{"standard", Scaling::kStandard},
                                       {"min-max", Scaling::kMinMax},
                                       {"log-standard", Scaling::kLogStandard}};
constexpr Word<CategoryCode> kCodes[] = {{"one-hot", CategoryCode::kOneHot},
                                         {"ordinal", CategoryCode::kOrdinal}};

template <typename T, size_t N>
std::string_view word_of(const Word<T> (&words)[N], T value) {
  return std::ranges::find(words, value, &Word<T>::value)->word;
}

template <typename T, size_t N>
Result<T> value_of(const Word<T> (&words)[N], std::string_view key, const Json& value) {
  TRY(word, json_text(key, value));
  const auto at = std::ranges::find(words, word, &Word<T>::word);
  if (at != std::end(words)) return at->value;
  std::string known;
  for (const Word<T>& each : words)
    known += fmt::format("{}{}", known.empty() ? "" : ", ", each.word);
  return wrong_json(key, value, known);
}

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

Json column_json(const ColumnEncoding& column) {
  const ColumnCode& code = column.code;
  Json out{{"name", code.name}, {"kind", code.categorical ? "categorical" : "numeric"}};
  if (code.categorical) {
    out["categories"] = column.categories;
    out["missing"] = column.missing_slot;
    out["other"] = code.other;
    out["merged"] = code.merged;
  } else {
    out["centre"] = code.centre;
    out["spread"] = code.spread;
    out["fill"] = code.fill;
    out["indicator"] = code.indicator;
  }
  return out;
}

Result<> parse_categorical(const std::string& key, const Json& value, ColumnEncoding& column) {
  TRY_OK(check_keys(key, value, {"name", "kind", "categories", "missing", "other", "merged"}));
  TRY(categories, json_texts(key + ".categories", value["categories"]));
  TRY(missing, json_flag(key + ".missing", value["missing"]));
  TRY(other, json_flag(key + ".other", value["other"]));
  TRY(merged, json_count(key + ".merged", value["merged"], kMaxCount));
  std::set<std::string_view> seen;
  for (const std::string& name : categories) {
    if (!seen.insert(name).second) {
      return invalid("{}.categories: '{}' occurs twice", key, printable(name, 40));
    }
  }
  column.categories = categories;
  column.missing_slot = missing;
  column.code.other = other;
  column.code.merged = merged;
  if (slot_count(column) > 0) return {};
  return invalid("{}.categories: none, want a category or a place for missing cells", key);
}

Result<> parse_numeric(const std::string& key, const Json& value, ColumnCode& code) {
  TRY_OK(check_keys(key, value, {"name", "kind", "centre", "spread", "fill", "indicator"}));
  TRY(centre, json_number(key + ".centre", value["centre"]));
  TRY(spread, json_number(key + ".spread", value["spread"]));
  TRY(fill, json_number(key + ".fill", value["fill"]));
  TRY(indicator, json_flag(key + ".indicator", value["indicator"]));
  if (spread <= 0) return wrong_json(key + ".spread", value["spread"], "more than 0");
  code.centre = centre;
  code.spread = spread;
  code.fill = fill;
  code.indicator = indicator;
  return {};
}

Result<ColumnEncoding> parse_column(const std::string& key, const Json& value) {
  if (!value.is_object() || !value.contains("name") || !value.contains("kind")) {
    return wrong_json(key, value, "an object with a 'name' and a 'kind'");
  }
  TRY(name, json_text(key + ".name", value["name"]));
  TRY(kind, json_text(key + ".kind", value["kind"]));
  if (name.empty()) return invalid("{}.name: empty", key);
  ColumnEncoding column;
  column.code.name = name;
  column.code.categorical = kind == "categorical";
  if (column.code.categorical) {
    TRY_OK(parse_categorical(key, value, column));
  } else if (kind == "numeric") {
    TRY_OK(parse_numeric(key, value, column.code));
  } else {
    return wrong_json(key + ".kind", value["kind"], "numeric or categorical");
  }
  return column;
}

Result<> parse_table_options(const Json& value, TableOptions& out) {
  TRY_OK(check_keys("table", value,
                    {"label", "class_names", "classes", "dropped", "missing", "skip_ragged"}));
  TRY(label, json_text("table.label", value["label"]));
  TRY(class_names, json_texts("table.class_names", value["class_names"]));
  TRY(classes, json_count("table.classes", value["classes"], 1 << 30));
  TRY(drop, json_texts("table.dropped", value["dropped"]));
  TRY(missing, json_texts("table.missing", value["missing"]));
  TRY(skip_ragged, json_flag("table.skip_ragged", value["skip_ragged"]));
  out.label = label;
  out.class_names = class_names;
  out.classes = static_cast<int64_t>(classes);
  out.drop = drop;
  out.missing = missing;
  out.skip_ragged = skip_ragged;
  return {};
}

Result<Encoding> parse(std::string_view json) {
  TRY(root, parse_strict_json(json, kMaxBytes));
  TRY_OK(check_schema(root, kSchema));
  TRY_OK(check_keys(
      "record", root,
      {"schema", "table", "scaling", "category_code", "max_categories", "features", "columns"}));
  Encoding out;
  TRY_OK(parse_table_options(root["table"], out.table));
  TRY(scaling, value_of(kScalings, "scaling", root["scaling"]));
  TRY(code, value_of(kCodes, "category_code", root["category_code"]));
  TRY(most, json_count("max_categories", root["max_categories"], kMaxWidth));
  out.encoder = {scaling, code, most};
  if (most < 2) return wrong_json("max_categories", root["max_categories"], "2 or more");
  const Json& columns = root["columns"];
  if (!columns.is_array() || columns.empty()) return wrong_json("columns", columns, "an array");
  std::set<std::string> seen = {out.table.label};
  seen.insert(out.table.drop.begin(), out.table.drop.end());
  for (size_t i = 0; i < columns.size(); ++i) {
    TRY(column, parse_column(fmt::format("columns[{}]", i), columns[i]));
    const std::string& name = column.code.name;
    if (!seen.insert(name).second) {
      return invalid("columns[{}].name: '{}' occurs twice, is dropped, or is the label", i,
                     printable(name, 40));
    }
    (column.code.categorical ? out.table.categorical : out.table.numeric).push_back(name);
    out.columns.push_back(std::move(column));
  }
  place_columns(out);
  TRY(width, json_count("features", root["features"], kMaxWidth));
  if (width == out.width) return out;
  return invalid("features: {}, but the columns have {}", width, out.width);
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
  Json root{{"schema", kSchema}};
  root["table"] = {
      {"label", encoding.table.label},     {"class_names", encoding.table.class_names},
      {"classes", encoding.table.classes}, {"dropped", encoding.table.drop},
      {"missing", encoding.table.missing}, {"skip_ragged", encoding.table.skip_ragged}};
  root["scaling"] = word_of(kScalings, encoding.encoder.scaling);
  root["category_code"] = word_of(kCodes, encoding.encoder.category_code);
  root["max_categories"] = encoding.encoder.max_categories;
  root["features"] = encoding.width;
  root["columns"] = Json::array();
  for (const ColumnEncoding& column : encoding.columns) {
    root["columns"].push_back(column_json(column));
  }
  try {
    return root.dump(2) + "\n";
  } catch (const Json::type_error&) {
    return fail(Kind::kUnsupported, "the table has names or categories that are not UTF-8");
  }
}

Result<Encoding> parse_encoding(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "encoding record");
  return parsed;
}

Result<Encoding> read_encoding(const fs::path& path) {
  return parse_file(path, kMaxBytes, parse_encoding);
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
