// How a table's rows became a model's inputs, as a file that travels with the model:
// docs/formats/encoding.md. A category has its name in it, not its code in some table, so that the
// record fits any table with the same columns.
#pragma once

#include "data/table_encoder.h"

namespace cloister::audit {

struct ColumnEncoding {
  ColumnCode code;                      // without slots: these are
  std::vector<std::string> categories;  // ... one for each of these names, in order,
  bool missing_slot = false;            // ... one for missing cells, and then code.other's
};

// Plain data. read_table(path, encoding.table) and bind_encoding() give what the model was trained
// on.
struct Encoding {
  TableOptions table;
  EncoderOptions encoder;
  std::vector<ColumnEncoding> columns;
  size_t width = 0;  // features of a row
};

// `table` is the one that `encoder` was fitted on, `options` what it was read with. Kinds and
// classes that were inferred then are fixed from now on, and columns that had no cell are dropped.
Encoding make_encoding(const TableEncoder& encoder, const Table& table,
                       const TableOptions& options);

// Strict both ways: parse_encoding(*encoding_json(e)) is e. encoding_json(): kUnsupported for names
// that are not UTF-8. parse_encoding(): kInvalid naming the key, what was found and what is
// expected; kUnsupported for another schema. Thread-safe.
Result<std::string> encoding_json(const Encoding& encoding);
Result<Encoding> parse_encoding(std::string_view json);
Result<Encoding> read_encoding(const fs::path& path);

// The encoder for another table, read with encoding.table. Categories that the record does not
// know are "other" where there is one, else all zeros. kInvalid, naming the column, for one that is
// missing, too many, of the other kind or in another place: rows' digests depend on the order.
Result<TableEncoder> bind_encoding(const Encoding& encoding, const Table& table);

}  // namespace cloister::audit
