#include "data/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_set>

#include "data/column_survey.h"
#include "data/table_rows.h"

namespace cloister::audit {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Cells with their lengths, so that no two lists of cells are alike.
void add_cell(std::string& key, std::string_view cell) {
  const uint64_t size = cell.size();
  key += as_text(std::as_bytes(std::span(&size, 1)));
  key += cell;
}

using Use = ColumnSurvey::Use;

class TableReader {
 public:
  TableReader(std::string_view csv, const TableOptions& options) : csv_(csv), options_(options) {}

  Result<Table> read() {
    TRY_OK(each_row([this](const auto& cells, uint64_t line) { return survey(cells, line); }));
    if (keep_.empty()) return invalid("no rows below the header");
    if (std::ranges::find(keep_, true) == keep_.end()) {
      return invalid("none of {} rows is left, the first was skipped: {}", table_.rows_read,
                     table_.source.skipped.front().reason);
    }
    TRY_OK(prepare());
    row_ = 0;
    TRY_OK(each_row([this](const auto& cells, uint64_t line) -> Result<> {
      return keep_[row_++] ? add(cells, line) : Result<>();
    }));
    for (Column& column : table_.columns) sort_categories(column);
    return std::move(table_);
  }

 private:
  // Calls `use` for each row of the right width; the first call of this reads the header.
  template <typename UseRow>
  Result<> each_row(UseRow use) {
    TRY(rows, TableRows::open(csv_, options_.separator));
    const bool first_time = surveys_.empty();
    if (first_time) TRY_OK(read_header(rows));
    std::vector<std::string> cells;
    while (true) {
      TRY(more, rows.next(cells));
      if (!more) break;
      if (cells.size() == surveys_.size()) {
        TRY_OK(use(cells, rows.line()));
        continue;
      }
      const std::string why = rows.bad_width(cells.size());
      if (!options_.skip_ragged) return invalid("line {}: {}", rows.line(), why);
      if (first_time) {
        ++table_.rows_read;
        skip(rows.line(), why);
      }
    }
    if (first_time && rows.trailing() > 0) {
      table_.notes.push_back(fmt::format(
          "{} rows end in more separators than the header: passed over", rows.trailing()));
    }
    return {};
  }

  static std::string id_of(uint64_t line) { return fmt::format("line {}", line); }

  void skip(uint64_t line, std::string why) {
    table_.source.skipped.push_back({id_of(line), std::move(why)});
  }

  bool is_missing(std::string_view cell) const {
    return std::ranges::find(options_.missing, trimmed(cell)) != options_.missing.end();
  }

  Result<> read_header(const TableRows& rows) {
    const std::vector<std::string>& names = rows.names();
    for (size_t i = 0; i < names.size(); ++i) {
      surveys_.push_back({.name = names[i], .number = i + 1, .named = rows.is_named(i)});
    }
    table_.notes = rows.notes();
    for (const std::string& name : options_.drop) {
      TRY(column, find("dropped", name, names));
      column->use = Use::kDropped;
    }
    for (const bool categorical : {false, true}) {
      for (const std::string& name : categorical ? options_.categorical : options_.numeric) {
        TRY(column, find(categorical ? "categorical" : "numeric", name, names));
        if (column->categorical.value_or(categorical) != categorical) {
          return fail(Kind::kUsage, "column '{}' is named both numeric and categorical", name);
        }
        column->categorical = categorical;
      }
    }
    if (options_.label.empty()) return {};
    TRY(label, find("label", options_.label, names));
    label->use = Use::kLabel;
    return {};
  }

  Result<ColumnSurvey*> find(std::string_view what, const std::string& name,
                             const std::vector<std::string>& names) {
    const auto at = std::ranges::find(surveys_, name, &ColumnSurvey::name);
    if (at != surveys_.end()) return &*at;
    return no_such_column(what, name, names);
  }

  Result<> survey(const std::vector<std::string>& cells, uint64_t line) {
    ++table_.rows_read;
    keep_.push_back(false);
    key_.clear();
    for (const std::string& cell : cells) add_cell(key_, cell);
    if (!rows_.insert(sha256(as_bytes(key_))).second) {
      ++table_.source.removed_early;
      return {};
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      if (surveys_[i].use == Use::kLabel && is_missing(cells[i])) {
        skip(line, fmt::format("no label in column '{}'", printable(surveys_[i].name)));
        return {};
      }
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      if (surveys_[i].use == Use::kDropped || is_missing(cells[i])) continue;
      TRY_OK(survey_cell(surveys_[i], cells[i], line));
    }
    keep_.back() = true;
    return {};
  }

  // Makes the columns and numbers the classes.
  Result<> prepare() {
    rows_.clear();
    for (ColumnSurvey& survey : surveys_) {
      if (survey.use == Use::kLabel) {
        TRY_OK(number_classes(survey));
        continue;
      }
      if (survey.use == Use::kFeature && survey.there == 0 && !survey.categorical) {
        survey.use = Use::kDropped;
        table_.left_out.push_back(survey.name);
        table_.notes.push_back(
            fmt::format("column '{}' is empty: left out", printable(survey.name)));
      }
      if (survey.use == Use::kDropped) continue;
      TRY_OK(check_kind(survey));
      std::ranges::move(notes_of(survey), std::back_inserter(table_.notes));
      Column column;
      column.name = survey.name;
      column.categorical = survey.is_categorical();
      table_.columns.push_back(std::move(column));
    }
    if (table_.columns.empty()) return invalid("no columns are left");
    codes_.resize(table_.columns.size());
    return {};
  }

  Result<> number_classes(const ColumnSurvey& label) {
    label_is_number_ = options_.class_names.empty() && label.numbers() == label.there;
    if (label_is_number_) return {};
    if (options_.class_names.empty() && options_.classes > 0) {
      for (const std::string& text : label.texts) {
        if (!whole_number_in(text)) {
          return invalid("label column '{}' has '{}', want a whole number under {}",
                         printable(label.name), printable(text, 40), options_.classes);
        }
      }
    }
    table_.class_names = options_.class_names;
    if (table_.class_names.empty()) {
      table_.class_names.assign(label.texts.begin(), label.texts.end());
    }
    for (size_t i = 0; i < table_.class_names.size(); ++i) {
      classes_.emplace(table_.class_names[i], static_cast<int64_t>(i));
    }
    return {};
  }

  Result<int64_t> label_of(const std::string& cell, uint64_t line) const {
    if (label_is_number_) {
      const int64_t label = whole_number_in(cell).value_or(-1);
      if (label >= 0 && (options_.classes == 0 || label < options_.classes)) return label;
      return invalid("line {}: label {}, want 0 or more{}", line, label,
                     options_.classes > 0 ? fmt::format(" and under {}", options_.classes) : "");
    }
    const auto at = classes_.find(cell);
    if (at != classes_.end()) return at->second;
    return invalid("line {}: label '{}' is not one of the {} classes", line, printable(cell, 40),
                   classes_.size());
  }

  Result<> add(const std::vector<std::string>& cells, uint64_t line) {
    Item item;
    item.id = id_of(line);
    key_.clear();
    size_t c = 0;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (surveys_[i].use == Use::kLabel) {
        TRY(label, label_of(cells[i], line));
        item.label = label;
      }
      if (surveys_[i].use != Use::kFeature) continue;
      add_cell(key_, cells[i]);
      add_value(c++, cells[i]);
    }
    item.digest = sha256(as_bytes(key_));
    table_.items.push_back(std::move(item));
    return {};
  }

  void add_value(size_t c, const std::string& cell) {
    Column& column = table_.columns[c];
    const bool missing = is_missing(cell);
    column.missing += missing ? 1 : 0;
    if (!column.categorical) {
      column.numbers.push_back(missing ? kNan : read_number(cell).value);
      return;
    }
    constexpr uint32_t kMissing = std::numeric_limits<uint32_t>::max();
    const auto next = static_cast<uint32_t>(codes_[c].size());
    column.codes.push_back(missing ? kMissing : codes_[c].emplace(cell, next).first->second);
  }

  // Codes were given in order of appearance; in the end they follow the sorted names, and missing
  // comes last.
  void sort_categories(Column& column) {
    if (!column.categorical) return;
    const auto& by_name = codes_[static_cast<size_t>(&column - table_.columns.data())];
    std::vector<uint32_t> rank(by_name.size());
    for (const auto& [name, code] : by_name) {
      rank[code] = static_cast<uint32_t>(column.categories.size());
      column.categories.push_back(name);
    }
    for (uint32_t& code : column.codes) {
      code = code < rank.size() ? rank[code] : static_cast<uint32_t>(rank.size());
    }
  }

  std::string_view csv_;
  const TableOptions& options_;
  Table table_;
  std::vector<ColumnSurvey> surveys_;
  std::vector<bool> keep_;  // one a row of the right width
  size_t row_ = 0;
  std::string key_;
  std::unordered_set<Digest, DigestHash> rows_;
  bool label_is_number_ = false;
  std::map<std::string, int64_t> classes_;
  std::vector<std::map<std::string, uint32_t>> codes_;
};

}  // namespace

bool Column::is_missing(size_t row) const {
  return categorical ? codes[row] == categories.size() : std::isnan(numbers[row]);
}

double Column::value(size_t row) const {
  return categorical ? static_cast<double>(codes[row]) : numbers[row];
}

Result<Table> parse_table(std::string_view csv, const TableOptions& options) {
  TRY(table, TableReader(csv, options).read());
  table.source.kind = "table";
  table.source.sha256 = to_hex(sha256(as_bytes(csv)));
  return std::move(table);
}

Result<Table> read_table(const fs::path& path, const TableOptions& options) {
  TRY(file, MappedFile::open(path));
  auto table = parse_table(as_text(file->bytes()), options);
  if (!table) {
    return with_context(table.error(), fmt::format("'{}'", printable(path.string(), 400)));
  }
  table->source.name = path.filename().string();
  return table;
}

}  // namespace cloister::audit
