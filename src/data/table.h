// Tables from CSV files: typed columns, duplicates removed, nothing dropped without being counted.
#pragma once

#include "base/file.h"
#include "data/dataset.h"

namespace cloister::audit {

struct TableOptions {
  std::string label;                 // the label's column; empty: no labels
  std::vector<std::string> drop;     // columns that the model does not see
  std::vector<std::string> numeric;  // kinds that are not to be inferred
  std::vector<std::string> categorical;
  std::vector<std::string> missing = {"", "-"};  // cells that mean "no value"
  char separator = 0;        // 0: a comma, or what the header shows (TableRows::open)
  bool skip_ragged = false;  // count and report rows of another width instead of refusing the file
  std::vector<std::string> class_names;  // class i is called class_names[i]; empty: see classes
  int64_t classes = 0;  // labels must be whole numbers below this; 0: whole numbers as they are, or
                        // names, numbered in sorted order
};

// One kept column. The code of a missing category is the number of categories.
struct Column {
  std::string name;
  bool categorical = false;
  std::vector<double> numbers;          // numeric: one a row, NaN where missing
  std::vector<uint32_t> codes;          // categorical: one a row
  std::vector<std::string> categories;  // by code, sorted
  uint64_t missing = 0;                 // cells

  bool is_missing(size_t row) const;
  // Row's value as table_metrics.h wants it: the number, or the code.
  double value(size_t row) const;
};

struct Table {
  std::vector<Column> columns;
  std::vector<Item> items;               // one a row; the digest is of the kept cells
  std::vector<std::string> class_names;  // of labels that are names; empty for numbers
  std::vector<std::string> left_out;     // columns without any cell

  Source source;                   // removed_early: rows equal to an earlier one in all columns
  uint64_t rows_read = 0;          // before anything was removed
  std::vector<std::string> notes;  // what a reader of the report should know of the columns
};

// Reads twice: once for kinds and duplicates, once for values. A column is numeric when all its
// cells that are there are decimal numbers; one without any cell, whose kind is not named, is left
// out, with a note. A column without a name is called "column N", with a note. Rows equal in all
// columns to an earlier one are removed and counted; rows without a label are skipped and counted.
// kUsage for a column that is named but not there; kInvalid, with the line, for what TableRows
// refuses, a row of another width, a cell that is used and not UTF-8, a cell of a numeric column
// that is no number (or too large for one, or has a decimal comma), and a label that is no class.
// Thread-safe.
Result<Table> parse_table(std::string_view csv, const TableOptions& options);

// The same from a path; errors carry the path, kNotFound and kIo are added. The file is mapped, not
// held.
Result<Table> read_table(const fs::path& path, const TableOptions& options);

}  // namespace cloister::audit
