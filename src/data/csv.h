// Separated values as RFC 4180 has them, read strictly. Debian's CSV libraries don't serve: libcsv
// has no line numbers, libfccp wants its columns at compile time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cloister::audit {

inline constexpr size_t kMaxCsvFields = 65'536;  // of one record
inline constexpr size_t kMaxCsvFieldBytes = 1 << 20;

// Walks the records of `text`, which must outlive it. Lines end in \n or \r\n, the last one's end
// may be missing; a UTF-8 byte order mark is passed over, and so are empty lines and lines of
// spaces and tabs between records. Not thread-safe.
class CsvReader {
 public:
  // `separator` is no quote, space or line end.
  explicit CsvReader(std::string_view text, char separator = ',');

  // The next record's fields; false at the end. kInvalid, naming the line, for a quote inside an
  // unquoted field, text after a closing quote, a quote that never closes, a \r without \n, a zero
  // byte, or more than the limits above. After an error the reader is of no further use.
  Result<bool> next(std::vector<std::string>& fields);

  // Where the last record starts, from 1.
  uint64_t line() const { return record_line_; }

 private:
  void pass_empty_lines();
  Result<> quoted(std::string& field);
  Result<> plain(std::string& field);
  std::unexpected<Error> bad(std::string_view what) const;

  std::string_view text_;
  char separator_;
  size_t at_ = 0;
  uint64_t line_ = 1;
  uint64_t record_line_ = 0;
};

}  // namespace cloister::audit
