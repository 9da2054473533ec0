// Rows of a table as a model's input, and back.
#pragma once

#include "data/table.h"
#include "data/table_metrics.h"
#include "tensor/tensor.h"

namespace cloister::audit {

// kStandard: (x - mean) / deviation. kMinMax: to [0,1]. kLogStandard: standard, after
// sign(x) log(1 + |x|), for counts and bytes whose few large values would hide all others.
enum class Scaling { kStandard, kMinMax, kLogStandard };
enum class CategoryCode { kOneHot, kOrdinal };

struct EncoderOptions {
  Scaling scaling = Scaling::kStandard;
  CategoryCode category_code = CategoryCode::kOneHot;
  // Most features of a one-hot column; of more categories the most frequent in the training part
  // keep theirs, all others share one.
  size_t max_categories = 64;
};

// How one column is encoded. Plain data.
struct ColumnCode {
  std::string name;
  bool categorical = false;
  size_t first = 0;  // its features are first .. first + width - 1
  size_t width = 0;

  double centre = 0;       // numeric: feature = (scaled x - centre) / spread; spread is 1 for a
  double spread = 1;       // column that is constant in the training part
  double fill = 0;         // numeric: what a missing cell is taken for: the training median
  bool indicator = false;  // numeric: a second feature says that the cell is missing

  std::vector<double> slots;  // categorical: the table's code of each feature (one-hot) or value
                              // (ordinal)
  bool other = false;         // the last slot stands for all categories that have none
  uint64_t merged = 0;        // categories of the training part that share it
};

// Fitted on the training rows alone. Immutable, thread-safe.
class TableEncoder {
 public:
  // kInvalid for no training rows or one out of range; kUsage for max_categories under 2.
  static Result<TableEncoder> fit(const Table& table, std::span<const size_t> training_rows,
                                  const EncoderOptions& options);

  // One that was fitted before, as encoder_json.h reads it: the codes' places must be in order.
  static TableEncoder from_codes(const EncoderOptions& options, std::vector<ColumnCode> columns,
                                 size_t width);

  const EncoderOptions& options() const { return options_; }
  size_t width() const { return width_; }
  const std::vector<ColumnCode>& columns() const { return columns_; }

  // f32 [rows, width]. A category without a slot is "other" where there is one, else all zeros
  // (ordinal: the first slot). `table` is the one it was fitted on or bound
  // to; rows may be any.
  Result<Tensor> encode(const Table& table, std::span<const size_t> rows) const;

  // Column c of encoded or reconstructed rows, in the values of Column::value(): the number, NaN
  // where the indicator says missing; the most likely slot's code, -1 for "other". kInvalid unless
  // f32 [N, width].
  Result<std::vector<double>> decode(const TensorView& rows, size_t column) const;

  // What the training part gives away of column c.
  Result<Marginal> marginal(const Table& table, std::span<const size_t> training_rows,
                            size_t column) const;

 private:
  EncoderOptions options_;
  std::vector<ColumnCode> columns_;
  size_t width_ = 0;
};

}  // namespace cloister::audit
