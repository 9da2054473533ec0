// How much of a table comes back, column by column. Pure functions, thread-safe. A column is its
// values as doubles: a numeric one's numbers, NaN where a cell is missing; a categorical one's
// codes, whole numbers, a missing cell having a code of its own.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/error.h"

namespace cloister::audit {

// A value is within tolerance when it is off by at most this many standard deviations: the middle
// quarter of a normal distribution, so guessing its centre scores 0.25.
inline constexpr double kTolerance = 0.319;

// What an attacker knows of a column without seeing any features: fitted on the attacker's own
// training part. Plain data.
struct Marginal {
  bool categorical = false;
  double median = 0;  // numeric: the best constant guess within tolerance
  double mode = 0;    // the most frequent value, the smallest of several
  double sigma = 0;   // numeric: population standard deviation
  double step = 0;    // numeric: the largest of 1, 0.1, ... 1e-6 that all values are multiples of;
                      // 0 for none. A number matches exactly when it is off by at most half a step.
};

// NaNs are left out. kInvalid when nothing else is there, for an infinite value, and for a code
// that is not a whole number.
Result<Marginal> fit_marginal(bool categorical, std::span<const double> training);

// Rates are shares of `count`, the rows where the original is there; an answer that is NaN misses.
struct ColumnScores {
  uint64_t count = 0;
  std::optional<double> r2;  // numeric: 1 - squared error / squared deviation from the originals'
                             // mean; none where that is 0 or an answer is NaN
  double within_tolerance = 0;  // numeric: off by at most kTolerance * sigma; categorical: as exact
  double exact = 0;
  double baseline_within_tolerance = 0;  // the same for the marginal's median (categorical: mode)
  double baseline_exact = 0;             // the same for the marginal's mode
};

// kInvalid for unequal lengths, an infinite value, or no original at all.
Result<ColumnScores> score_column(const Marginal& marginal, std::span<const double> original,
                                  std::span<const double> reconstruction);

// Adds to hits[i] 1 where row i's value is there and within tolerance, and to cells[i] 1 where it
// is there: over all columns hits/cells is the share of a row that came back. kInvalid for unequal
// lengths.
Result<> count_row_matches(const Marginal& marginal, std::span<const double> original,
                           std::span<const double> reconstruction, std::span<uint32_t> hits,
                           std::span<uint32_t> cells);

}  // namespace cloister::audit
