// Rows of a table to ask a model about: each is kept, in order, and encoded as the model was
// trained.
#pragma once

#include "data/encoder_json.h"

namespace cloister::audit {

// A cell of a kind that the training rows did not have. Plain data.
struct UnseenCell {
  size_t row = 0;     // from 0
  uint64_t line = 0;  // of the file, from 1
  std::string column;
  std::optional<std::string> value;  // none: the cell is missing
  std::string taken_as;              // "no category", "the rare categories", "'tcp'", "12.5"
};

struct InferenceRows {
  Tensor features;              // f32 [rows,width]
  std::vector<uint64_t> lines;  // where each row starts
  std::vector<UnseenCell> unseen;
  std::vector<std::string> notes;  // what a user should know of how the file was read
};

// Columns are found by name, in any order; the label's and dropped ones need not be there and are
// not looked at, and others that the encoding does not have are passed over, with a note. kInvalid,
// with the line, for what TableRows refuses, no rows, a row of another width, and a cell that is no
// number where one must be or not UTF-8; kUsage for a column that is not there. `separator` is as
// in TableOptions. Thread-safe.
Result<InferenceRows> parse_inference_rows(std::string_view csv, const Encoding& encoding,
                                           char separator = 0);

// The same from a path; errors carry the path, kNotFound and kIo are added.
Result<InferenceRows> read_inference_rows(const fs::path& path, const Encoding& encoding,
                                          char separator = 0);

// For people, one line a column: how many rows have what training did not, and the first of them.
std::vector<std::string> unseen_notes(const std::vector<UnseenCell>& unseen);

}  // namespace cloister::audit
