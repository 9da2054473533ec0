// What the first reading of a table learns of a column, before its kind is known.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/cells.h"

namespace cloister::audit {

// Most different labels of a table.
inline constexpr size_t kMaxClasses = 100'000;

struct ColumnSurvey {
  enum class Use { kDropped, kFeature, kLabel };

  std::string name;
  size_t number = 0;  // in the header, from 1
  bool named = true;  // there
  Use use = Use::kFeature;
  std::optional<bool> categorical;  // from the options
  uint64_t there = 0;               // cells that are not missing
  std::set<std::string> texts;      // label only: the names

  // Cells by what they say, and the first that says so. Labels: whole numbers alone.
  struct Found {
    uint64_t cells = 0;
    uint64_t line = 0;
    std::string first;
  };
  std::array<Found, 4> found;  // by CellKind
  bool counts_rows = true;     // 0, 1, 2, ... or 1, 2, 3, ...
  double last = 0;

  const Found& of(CellKind kind) const { return found[static_cast<size_t>(kind)]; }
  uint64_t numbers() const { return of(CellKind::kNumber).cells; }
  bool is_categorical() const { return categorical.value_or(numbers() < there); }
};

// Takes note of a cell that is there. kInvalid, with the line, for one that is not UTF-8, one that
// is no number in a column that must be numeric, and a label too many.
Result<> survey_cell(ColumnSurvey& column, const std::string& cell, uint64_t line);

// kInvalid for a feature of nothing but numbers some of which can't be read: no categories are
// meant.
Result<> check_kind(const ColumnSurvey& column);

// What a user should know of a feature.
std::vector<std::string> notes_of(const ColumnSurvey& column);

// kInvalid, naming line, column and cell, unless `kind` is a number.
Result<> check_number(CellKind kind, const std::string& cell, uint64_t line,
                      const std::string& column);

}  // namespace cloister::audit
