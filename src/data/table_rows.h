// The rows of a table in a CSV file, as wide as its header.
#pragma once

#include "data/csv.h"

namespace cloister::audit {

// Walks the rows below the header. Not thread-safe.
class TableRows {
 public:
  // `separator` 0: a comma; or what a first line "sep=;" says; or, where the header has no comma
  // outside of quotes, the semicolon, tab or bar that it has. kInvalid for no header, UTF-16, names
  // that are not UTF-8 or occur twice, and what CsvReader refuses. `csv` must outlive it.
  static Result<TableRows> open(std::string_view csv, char separator);

  // A column without a name is called "column N", counted from 1.
  const std::vector<std::string>& names() const { return names_; }
  bool is_named(size_t column) const { return named_[column]; }
  // What a user should know of how the file was read.
  const std::vector<std::string>& notes() const { return notes_; }

  // The next row's cells; false at the end. Empty cells more than the header has names, at a row's
  // end, are passed over, and as many fewer as the header has nameless columns at its end are
  // added. Any other row has another width than names(); bad_width() says so.
  Result<bool> next(std::vector<std::string>& cells);
  std::string bad_width(size_t cells) const;

  uint64_t line() const { return reader_.line(); }
  // Rows so far that ended in more separators than the header.
  uint64_t trailing() const { return trailing_; }

 private:
  TableRows(CsvReader reader, char separator) : reader_(reader), separator_(separator) {}
  Result<> read_header();

  CsvReader reader_;
  char separator_;
  std::vector<std::string> names_;
  std::vector<bool> named_;
  std::vector<std::string> notes_;
  size_t fewest_ = 0;  // columns up to the last one with a name
  uint64_t trailing_ = 0;
};

// "line 4: column 'x' is 'stra\xdfe', which is not UTF-8; ..." unless it is.
Result<> check_utf8(const std::string& cell, uint64_t line, const std::string& column);

// kUsage for a column that is not there, with those that it may have meant.
std::unexpected<Error> no_such_column(std::string_view what, const std::string& name,
                                      const std::vector<std::string>& names);

}  // namespace cloister::audit
