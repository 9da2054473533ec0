#include "data/table_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace cloister::audit {
namespace {

Result<> check_finite(std::string_view what, std::span<const double> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isinf(values[i])) return invalid("{} of row {} is {}", what, i, values[i]);
  }
  return {};
}

double mode_of(const std::vector<double>& sorted) {
  double mode = sorted.front();
  size_t best = 0;
  for (size_t start = 0; start < sorted.size();) {
    size_t end = start;
    while (end < sorted.size() && sorted[end] == sorted[start]) ++end;
    if (end - start > best) {
      best = end - start;
      mode = sorted[start];
    }
    start = end;
  }
  return mode;
}

// What a decimal number of `digits` places may be off by in a double, in units of its last place.
constexpr double kRounding = 1e-6;

double step_of(const std::vector<double>& values) {
  constexpr std::array kInverseSteps = {1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6};
  for (const double inverse : kInverseSteps) {
    const bool fits = std::ranges::all_of(values, [&](double value) {
      const double scaled = value * inverse;
      return std::abs(scaled - std::round(scaled)) <= kRounding;
    });
    if (fits) return 1 / inverse;
  }
  return 0;
}

bool is_exact(const Marginal& marginal, double original, double answer) {
  if (marginal.categorical) return original == answer;
  const double slack = marginal.step > 0 ? marginal.step * (0.5 + kRounding)
                                         : 1e-6 * std::max(std::abs(original), std::abs(answer));
  return std::abs(original - answer) <= slack;
}

bool is_within(const Marginal& marginal, double original, double answer) {
  if (marginal.categorical || marginal.sigma == 0) return is_exact(marginal, original, answer);
  return std::abs(original - answer) <= kTolerance * marginal.sigma;
}

}  // namespace

Result<Marginal> fit_marginal(bool categorical, std::span<const double> training) {
  TRY_OK(check_finite("value", training));
  std::vector<double> values;
  std::ranges::copy_if(training, std::back_inserter(values), [](double v) { return v == v; });
  if (values.empty()) return invalid("0 of {} values are there, want 1 or more", training.size());
  std::ranges::sort(values);
  Marginal out;
  out.categorical = categorical;
  out.mode = mode_of(values);
  if (categorical) {
    for (const double value : values) {
      if (value != std::floor(value)) return invalid("category {}, want a whole number", value);
    }
    return out;
  }
  const size_t half = values.size() / 2;
  out.median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  double mean = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  // A constant column has no spread, whatever rounding made of its mean.
  const bool constant = values.front() == values.back();
  out.sigma = constant ? 0 : std::sqrt(squares / static_cast<double>(values.size()));
  out.step = step_of(values);
  return out;
}

Result<ColumnScores> score_column(const Marginal& marginal, std::span<const double> original,
                                  std::span<const double> reconstruction) {
  if (original.size() != reconstruction.size()) {
    return invalid("{} originals, {} reconstructions", original.size(), reconstruction.size());
  }
  TRY_OK(check_finite("original", original));
  TRY_OK(check_finite("reconstruction", reconstruction));
  ColumnScores out;
  double mean = 0;
  for (const double value : original) {
    if (std::isnan(value)) continue;
    ++out.count;
    mean += value;
  }
  if (out.count == 0) return invalid("0 of {} originals are there", original.size());
  const auto count = static_cast<double>(out.count);
  mean /= count;
  const double guess = marginal.categorical ? marginal.mode : marginal.median;
  double errors = 0;
  double deviations = 0;
  for (size_t i = 0; i < original.size(); ++i) {
    const double value = original[i];
    const double answer = reconstruction[i];
    if (std::isnan(value)) continue;
    errors += (value - answer) * (value - answer);
    deviations += (value - mean) * (value - mean);
    out.within_tolerance += is_within(marginal, value, answer) ? 1 : 0;
    out.exact += is_exact(marginal, value, answer) ? 1 : 0;
    out.baseline_within_tolerance += is_within(marginal, value, guess) ? 1 : 0;
    out.baseline_exact += is_exact(marginal, value, marginal.mode) ? 1 : 0;
  }
  for (double* rate :
       {&out.within_tolerance, &out.exact, &out.baseline_within_tolerance, &out.baseline_exact}) {
    *rate /= count;
  }
  if (!marginal.categorical && deviations > 0 && !std::isnan(errors)) {
    out.r2 = 1 - errors / deviations;
  }
  return out;
}

Result<> count_row_matches(const Marginal& marginal, std::span<const double> original,
                           std::span<const double> reconstruction, std::span<uint32_t> hits,
                           std::span<uint32_t> cells) {
  const size_t rows = original.size();
  if (reconstruction.size() != rows || hits.size() != rows || cells.size() != rows) {
    return invalid("{} originals, {} reconstructions, {} and {} rows counted", rows,
                   reconstruction.size(), hits.size(), cells.size());
  }
  for (size_t i = 0; i < rows; ++i) {
    if (std::isnan(original[i])) continue;
    ++cells[i];
    if (is_within(marginal, original[i], reconstruction[i])) ++hits[i];
  }
  return {};
}

}  // namespace cloister::audit
