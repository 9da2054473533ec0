#include "data/column_survey.h"

#include "data/table_rows.h"

namespace cloister::audit {

Result<> check_number(CellKind kind, const std::string& cell, uint64_t line,
                      const std::string& column) {
  if (kind == CellKind::kNumber) return {};
  return invalid("line {}: column '{}' is '{}', {}", line, printable(column), printable(cell, 40),
                 want_number(kind));
}

Result<> survey_cell(ColumnSurvey& column, const std::string& cell, uint64_t line) {
  TRY_OK(check_utf8(cell, line, column.name));
  ++column.there;
  const auto count = [&](CellKind kind) {
    ColumnSurvey::Found& found = column.found[static_cast<size_t>(kind)];
    if (found.cells++ > 0) return;
    found.line = line;
    found.first = cell;
  };
  if (column.use == ColumnSurvey::Use::kLabel) {
    if (whole_number_in(cell)) count(CellKind::kNumber);
    column.texts.insert(cell);
    if (column.texts.size() <= kMaxClasses) return {};
    return invalid("line {}: label column '{}' has over {} classes", line, printable(column.name),
                   kMaxClasses);
  }
  if (column.categorical.value_or(false)) return {};
  const CellNumber number = read_number(cell);
  if (column.categorical) TRY_OK(check_number(number.kind, cell, line, column.name));
  count(number.kind);
  const bool next =
      column.there == 1 ? number.value == 0 || number.value == 1 : number.value == column.last + 1;
  column.counts_rows = column.counts_rows && number.kind == CellKind::kNumber && next;
  column.last = number.value;
  return {};
}

Result<> check_kind(const ColumnSurvey& column) {
  if (column.categorical || column.of(CellKind::kText).cells > 0) return {};
  for (const CellKind kind : {CellKind::kTooLarge, CellKind::kDecimalComma}) {
    const ColumnSurvey::Found& found = column.of(kind);
    if (found.cells == 0) continue;
    auto error = check_number(kind, found.first, found.line, column.name).error();
    error.message += "; or name the column in --categorical";
    return std::unexpected(std::move(error));
  }
  return {};
}

std::vector<std::string> notes_of(const ColumnSurvey& column) {
  std::vector<std::string> notes;
  const std::string shown = printable(column.name);
  if (!column.named) {
    const bool counts = column.counts_rows && column.there > 1;
    notes.push_back(fmt::format(
        "column {} has no name in the header: called '{}'{}", column.number, shown,
        counts ? fmt::format("; it counts the rows: leave it out with --drop '{}'", shown) : ""));
  }
  if (column.categorical || !column.is_categorical() || column.numbers() == 0) return notes;
  const ColumnSurvey::Found* text = &column.of(CellKind::kText);
  for (const CellKind kind : {CellKind::kTooLarge, CellKind::kDecimalComma}) {
    const ColumnSurvey::Found& other = column.of(kind);
    if (other.cells > 0 && other.line < text->line) text = &other;
  }
  notes.push_back(fmt::format(
      "column '{}': {} of {} cells are numbers, but not '{}' in line {}: taken as categorical",
      shown, column.numbers(), column.there, printable(text->first, 40), text->line));
  return notes;
}

}  // namespace cloister::audit
