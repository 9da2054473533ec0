// What a sample of scores says about all inputs like it. Pure functions, thread-safe.
//
// A `level` is the chance that one bound is wrong: a two-sided 95 % interval has bounds of level
// 0.025. Each bound comes with its p-value, and they agree: upper <= t exactly where p <= level.
#pragma once

#include <span>
#include <vector>

#include "base/error.h"

namespace cloister::audit {

struct Bounds {
  double lower = 0;
  double upper = 0;
};

// numpy's default quantile (linear interpolation), share 0 to 1. kInvalid for no values or a NaN.
Result<double> quantile(std::span<const double> values, double share);

// The mean's distribution over bootstrap resamples. The same values, count and seed give the same
// resamples on every machine, and which values are drawn depends on the number of values alone: a
// sample that is nowhere smaller has bounds that are nowhere smaller.
class BootstrapMean {
 public:
  // kInvalid for no values, one that is not finite, or fewer than 99 resamples.
  static Result<BootstrapMean> make(std::span<const double> values, uint64_t resamples,
                                    uint64_t seed);

  double mean() const { return mean_; }
  // Percentile bounds; infinite where the resamples are too few for the level.
  Bounds bounds(double level) const;
  // For "the mean is above t": small when it hardly can be. And for "is at or below t".
  double p_above(double t) const;
  double p_at_most(double t) const;

 private:
  BootstrapMean(double mean, std::vector<double> sorted)
      : mean_(mean), sorted_(std::move(sorted)) {}

  double mean_;
  std::vector<double> sorted_;  // means of the resamples
};

// A quantile's bounds from order statistics: exact whatever the distribution, and infinite where
// the sample is too small for the level.
class QuantileBounds {
 public:
  // kInvalid for no values, one that is not finite, or a share outside (0,1).
  static Result<QuantileBounds> make(std::span<const double> values, double share);

  double value() const { return value_; }  // quantile()
  Bounds bounds(double level) const;
  double p_above(double t) const;    // for "the quantile is above t"
  double p_at_most(double t) const;  // for "the quantile is at or below t"

 private:
  QuantileBounds(double value, double share, std::vector<double> descending)
      : value_(value), share_(share), descending_(std::move(descending)) {}

  uint64_t count_above(double t) const;

  double value_;
  double share_;
  std::vector<double> descending_;
};

// Two-sided Clopper-Pearson interval of a share of which k of n were seen. kInvalid unless
// k <= n, 1 <= n and 0 < confidence < 1.
Result<Bounds> clopper_pearson(uint64_t k, uint64_t n, double confidence);

// Holm's step-down adjustment over a family of tests.
struct Holm {
  std::vector<double> adjusted;  // p-values, in the given order; reject where <= the level
  std::vector<double> levels;    // the level each test was held to: level / (tests still open)
};

// kInvalid for a p-value outside [0,1] or a level outside (0,1).
Result<Holm> holm(std::span<const double> p_values, double level);

}  // namespace cloister::audit
