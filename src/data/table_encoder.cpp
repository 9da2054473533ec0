#include "data/table_encoder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/mean.h"

namespace cloister::audit {
namespace {

double scaled(Scaling scaling, double value) {
  return scaling == Scaling::kLogStandard ? std::copysign(std::log1p(std::abs(value)), value)
                                          : value;
}

double unscaled(Scaling scaling, double value) {
  return scaling == Scaling::kLogStandard ? std::copysign(std::expm1(std::abs(value)), value)
                                          : value;
}

Result<> fit_numeric(const Column& column, std::span<const size_t> rows, Scaling scaling,
                     ColumnCode& code) {
  std::vector<double> values;
  for (const size_t row : rows) {
    if (!column.is_missing(row)) values.push_back(column.numbers[row]);
  }
  code.indicator = values.size() < rows.size();
  code.width = code.indicator ? 2 : 1;
  if (values.empty()) return {};
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  code.fill = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  for (double& value : values) value = scaled(scaling, value);
  if (values.front() == values.back()) {
    code.centre = values.front();
    return {};
  }
  if (scaling == Scaling::kMinMax) {
    code.centre = values.front();
    code.spread = values.back() - values.front();
  } else {
    const auto count = static_cast<double>(values.size());
    code.centre = mean_of(values);
    double squares = 0;
    for (const double value : values) squares += (value - code.centre) * (value - code.centre);
    code.spread = std::sqrt(squares / count);
  }
  if (!std::isfinite(code.spread) || code.spread <= 0) {
    return invalid("column '{}' has a spread of {}, want a positive number", printable(column.name),
                   code.spread);
  }
  return {};
}

void fit_categorical(const Column& column, std::span<const size_t> rows,
                     const EncoderOptions& options, ColumnCode& code) {
  std::vector<uint64_t> counts(column.categories.size() + 1);
  for (const size_t row : rows) ++counts[column.codes[row]];
  std::vector<size_t> seen;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) seen.push_back(i);
  }
  const bool one_hot = options.category_code == CategoryCode::kOneHot;
  if (one_hot && seen.size() > options.max_categories) {
    std::ranges::stable_sort(seen, std::greater(), [&](size_t i) { return counts[i]; });
    code.other = true;
    code.merged = seen.size() - (options.max_categories - 1);
    seen.resize(options.max_categories - 1);
    std::ranges::sort(seen);
  }
  for (const size_t i : seen) code.slots.push_back(static_cast<double>(i));
  if (code.other) code.slots.push_back(-1);
  code.width = one_hot ? code.slots.size() : 1;
}

// Ordinal codes lie evenly in [0,1].
double ordinal_step(const ColumnCode& code) {
  return code.slots.size() > 1 ? 1 / static_cast<double>(code.slots.size() - 1) : 1;
}

void encode_cell(const EncoderOptions& options, const ColumnCode& code, const Column& column,
                 size_t row, std::span<float> to) {
  if (!code.categorical) {
    const bool missing = column.is_missing(row);
    const double value = missing ? code.fill : column.numbers[row];
    to[0] = static_cast<float>((scaled(options.scaling, value) - code.centre) / code.spread);
    if (code.indicator) to[1] = missing ? 1 : 0;
    return;
  }
  const auto at = std::ranges::find(code.slots, column.value(row));
  const bool found = at != code.slots.end();
  const size_t slot =
      found ? static_cast<size_t>(at - code.slots.begin()) : (code.other ? code.width - 1 : 0);
  if (options.category_code == CategoryCode::kOrdinal) {
    to[0] = static_cast<float>(static_cast<double>(slot) * ordinal_step(code));
  } else if (found || code.other) {
    to[slot] = 1;
  }
}

double decode_cell(const EncoderOptions& options, const ColumnCode& code,
                   std::span<const float> from) {
  if (!code.categorical) {
    if (code.indicator && from[1] > 0.5F) return std::numeric_limits<double>::quiet_NaN();
    return unscaled(options.scaling, from[0] * code.spread + code.centre);
  }
  if (options.category_code == CategoryCode::kOrdinal) {
    const double last = static_cast<double>(code.slots.size() - 1);
    const double place = std::round(from[0] / ordinal_step(code));
    return code.slots[static_cast<size_t>(std::isnan(place) ? 0 : std::clamp(place, 0.0, last))];
  }
  return code.slots[static_cast<size_t>(std::ranges::max_element(from) - from.begin())];
}

}  // namespace

Result<TableEncoder> TableEncoder::fit(const Table& table, std::span<const size_t> training_rows,
                                       const EncoderOptions& options) {
  if (options.max_categories < 2) {
    return fail(Kind::kUsage, "at most {} categories, want 2 or more", options.max_categories);
  }
  if (training_rows.empty()) return invalid("no training rows to fit the encoding on");
  for (const size_t row : training_rows) {
    if (row >= table.items.size()) return invalid("row {} of {}", row, table.items.size());
  }
  TableEncoder out;
  out.options_ = options;
  for (const Column& column : table.columns) {
    ColumnCode code;
    code.name = column.name;
    code.categorical = column.categorical;
    code.first = out.width_;
    if (column.categorical) {
      fit_categorical(column, training_rows, options, code);
    } else {
      TRY_OK(fit_numeric(column, training_rows, options.scaling, code));
    }
    out.width_ += code.width;
    out.columns_.push_back(std::move(code));
  }
  return out;
}

TableEncoder TableEncoder::from_codes(const EncoderOptions& options,
                                      std::vector<ColumnCode> columns, size_t width) {
  TableEncoder out;
  out.options_ = options;
  out.columns_ = std::move(columns);
  out.width_ = width;
  return out;
}

Result<Tensor> TableEncoder::encode(const Table& table, std::span<const size_t> rows) const {
  if (table.columns.size() != columns_.size()) {
    return invalid("{} columns, the encoding has {}", table.columns.size(), columns_.size());
  }
  TRY(out,
      Tensor::make(DType::kF32, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(width_)}));
  const std::span<float> features = out.mutable_as<float>();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] >= table.items.size()) return invalid("row {} of {}", rows[i], table.items.size());
    for (size_t c = 0; c < columns_.size(); ++c) {
      encode_cell(options_, columns_[c], table.columns[c], rows[i],
                  features.subspan(i * width_ + columns_[c].first, columns_[c].width));
    }
  }
  return std::move(out);
}

Result<std::vector<double>> TableEncoder::decode(const TensorView& rows, size_t column) const {
  if (rows.dtype != DType::kF32 || rows.shape.size() != 2 ||
      rows.shape[1] != static_cast<int64_t>(width_) || column >= columns_.size()) {
    return invalid("column {} of {} {}, want one of {} of f32 [N,{}]", column,
                   dtype_name(rows.dtype), shape_text(rows.shape), columns_.size(), width_);
  }
  const ColumnCode& code = columns_[column];
  const std::span<const float> features = rows.as<float>();
  std::vector<double> out(static_cast<size_t>(rows.shape[0]));
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = decode_cell(options_, code, features.subspan(i * width_ + code.first, code.width));
  }
  return out;
}

Result<Marginal> TableEncoder::marginal(const Table& table, std::span<const size_t> training_rows,
                                        size_t column) const {
  if (column >= table.columns.size()) return invalid("column {}", column);
  const Column& from = table.columns[column];
  std::vector<double> values;
  for (const size_t row : training_rows) {
    if (row >= table.items.size()) return invalid("row {} of {}", row, table.items.size());
    values.push_back(from.value(row));
  }
  auto found = fit_marginal(from.categorical, values);
  if (!found) return with_context(found.error(), printable(from.name));
  return found;
}

}  // namespace cloister::audit
