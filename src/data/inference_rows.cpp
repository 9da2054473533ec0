#include "data/inference_rows.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

#include "data/column_survey.h"
#include "data/table_rows.h"

namespace cloister::audit {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

class InferenceReader {
 public:
  InferenceReader(const Encoding& encoding, TableRows rows)
      : encoding_(encoding), rows_(std::move(rows)) {}

  Result<InferenceRows> read() {
    out_.notes = rows_.notes();
    TRY_OK(find_columns());
    std::vector<std::string> cells;
    while (true) {
      TRY(more, rows_.next(cells));
      if (!more) break;
      if (cells.size() != rows_.names().size()) {
        return invalid("line {}: {}", rows_.line(), rows_.bad_width(cells.size()));
      }
      TRY_OK(add(cells));
    }
    if (out_.lines.empty()) return invalid("no rows below the header");
    table_.items.resize(out_.lines.size());
    TRY(encoder, bind_encoding(encoding_, table_));
    std::vector<size_t> all(out_.lines.size());
    std::iota(all.begin(), all.end(), size_t{0});
    TRY(features, encoder.encode(table_, all));
    out_.features = std::move(features);
    return std::move(out_);
  }

 private:
  Result<> find_columns() {
    std::map<std::string_view, size_t> places;
    const std::vector<std::string>& names = rows_.names();
    for (size_t i = 0; i < names.size(); ++i) places[names[i]] = i;
    places.erase(encoding_.table.label);
    for (const std::string& dropped : encoding_.table.drop) places.erase(dropped);
    for (const ColumnEncoding& column : encoding_.columns) {
      const auto found = places.find(column.code.name);
      if (found == places.end()) return no_such_column("the model's", column.code.name, names);
      places_.push_back(found->second);
      places.erase(found);
      Column& made = table_.columns.emplace_back();
      made.name = column.code.name;
      made.categorical = column.code.categorical;
      made.categories = column.categories;
      std::ranges::sort(made.categories);
      std::unordered_map<std::string_view, uint32_t>& codes = codes_.emplace_back();
      for (size_t i = 0; i < made.categories.size(); ++i) {
        codes[made.categories[i]] = static_cast<uint32_t>(i);
      }
    }
    for (const auto& [name, place] : places) {
      if (!rows_.is_named(place)) continue;
      out_.notes.push_back(
          fmt::format("column '{}' is none of the model's: passed over", printable(name)));
    }
    return {};
  }

  bool is_missing(std::string_view cell) const {
    return std::ranges::find(encoding_.table.missing, trimmed(cell)) !=
           encoding_.table.missing.end();
  }

  Result<> add(const std::vector<std::string>& cells) {
    for (size_t c = 0; c < places_.size(); ++c) TRY_OK(add_cell(c, cells[places_[c]]));
    out_.lines.push_back(rows_.line());
    return {};
  }

  Result<> add_cell(size_t c, const std::string& cell) {
    Column& column = table_.columns[c];
    const ColumnEncoding& code = encoding_.columns[c];
    const bool missing = is_missing(cell);
    if (!missing) TRY_OK(check_utf8(cell, rows_.line(), column.name));
    if (!column.categorical) {
      const CellNumber number =
          missing ? CellNumber{CellKind::kNumber, kNoNumber} : read_number(cell);
      TRY_OK(check_number(number.kind, cell, rows_.line(), column.name));
      column.numbers.push_back(number.value);
      if (missing && !code.code.indicator)
        note(c, std::nullopt, fmt::format("{:g}", code.code.fill));
      return {};
    }
    const auto missing_code = static_cast<uint32_t>(column.categories.size());
    if (missing) {
      column.codes.push_back(missing_code);
      if (!code.missing_slot) note(c, std::nullopt, stand_in(code));
      return {};
    }
    const auto known = codes_[c].find(cell);
    column.codes.push_back(known == codes_[c].end() ? missing_code + 1 : known->second);
    if (known == codes_[c].end()) note(c, cell, stand_in(code));
    return {};
  }

  // What a category without a slot is for the model.
  std::string stand_in(const ColumnEncoding& column) const {
    if (column.code.other) return "one of the rare categories";
    if (encoding_.encoder.category_code == CategoryCode::kOneHot) return "no category";
    if (column.categories.empty()) return "a missing cell";
    return fmt::format("'{}'", printable(column.categories.front(), 40));
  }

  void note(size_t c, std::optional<std::string> value, std::string taken_as) {
    out_.unseen.push_back({out_.lines.size(), rows_.line(), table_.columns[c].name,
                           std::move(value), std::move(taken_as)});
  }

  const Encoding& encoding_;
  TableRows rows_;
  InferenceRows out_;
  Table table_;                 // columns as the encoding has them
  std::vector<size_t> places_;  // of the encoding's columns in the file
  std::vector<std::unordered_map<std::string_view, uint32_t>> codes_;  // by category
};

}  // namespace

Result<InferenceRows> parse_inference_rows(std::string_view csv, const Encoding& encoding,
                                           char separator) {
  TRY(rows, TableRows::open(csv, separator));
  return InferenceReader(encoding, std::move(rows)).read();
}

Result<InferenceRows> read_inference_rows(const fs::path& path, const Encoding& encoding,
                                          char separator) {
  TRY(file, MappedFile::open(path));
  auto rows = parse_inference_rows(as_text(file->bytes()), encoding, separator);
  if (!rows) return with_context(rows.error(), fmt::format("'{}'", printable(path.string(), 400)));
  return rows;
}

std::vector<std::string> unseen_notes(const std::vector<UnseenCell>& unseen) {
  struct Seen {
    const UnseenCell* first;
    uint64_t cells = 0;
  };
  // By column and whether the cell is missing, in the order of the first.
  std::map<std::pair<std::string_view, bool>, size_t> places;
  std::vector<Seen> found;
  for (const UnseenCell& cell : unseen) {
    const auto [at, is_new] = places.emplace(
        std::pair(std::string_view(cell.column), cell.value.has_value()), found.size());
    if (is_new) found.push_back({&cell});
    ++found[at->second].cells;
  }
  std::vector<std::string> notes;
  for (const auto& [first, cells] : found) {
    const std::string what =
        first->value ? fmt::format("is '{}'", printable(*first->value, 40)) : "is missing";
    notes.push_back(fmt::format(
        "column '{}': {} {} what training did not see; the first, row {} (line {}), {}, and is "
        "taken for {}",
        printable(first->column), cells, cells == 1 ? "row has" : "rows have", first->row + 1,
        first->line, what, first->taken_as));
  }
  return notes;
}

}  // namespace cloister::audit
