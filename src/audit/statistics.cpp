#include "audit/statistics.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "base/mean.h"

namespace cloister::audit {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr uint64_t kMinResamples = 99;

Result<> check_finite(std::span<const double> values) {
  if (values.empty()) return invalid("0 values, want 1 or more");
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) return invalid("value {} is {}, want finite", i, values[i]);
  }
  return {};
}

// A number below `count`, the same on every machine (std::uniform_int_distribution is not). Its
// bias is count / 2^64.
size_t below(std::mt19937_64& generator, size_t count) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<size_t>((static_cast<Wide>(generator()) * count) >> 64);
}

// P(X >= k) for 1 <= k <= n.
double upper_tail(uint64_t k, uint64_t n, double p) {
  return boost::math::ibeta(static_cast<double>(k), static_cast<double>(n - k + 1), p);
}

double cdf(uint64_t k, uint64_t n, double p) {
  return k >= n ? 1.0
                : boost::math::ibetac(static_cast<double>(k + 1), static_cast<double>(n - k), p);
}

}  // namespace

Result<double> quantile(std::span<const double> values, double share) {
  if (values.empty()) return invalid("quantile of 0 values");
  if (!(share >= 0 && share <= 1)) return invalid("quantile {}, want 0 to 1", share);
  std::vector<double> sorted(values.begin(), values.end());
  if (std::ranges::any_of(sorted, [](double v) { return std::isnan(v); })) {
    return invalid("quantile of values with a NaN");
  }
  std::ranges::sort(sorted);
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(place);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  if (sorted[low] == sorted[high]) return sorted[low];
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

Result<BootstrapMean> BootstrapMean::make(std::span<const double> values, uint64_t resamples,
                                          uint64_t seed) {
  TRY_OK(check_finite(values));
  if (resamples < kMinResamples || resamples > 10'000'000) {
    return invalid("{} resamples, want {} to 10000000", resamples, kMinResamples);
  }
  const size_t n = values.size();
  const auto count = static_cast<double>(n);
  std::mt19937_64 generator(seed);
  std::vector<double> means(resamples);
  for (double& mean : means) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += values[below(generator, n)];
    mean = sum / count;
  }
  std::ranges::sort(means);
  return BootstrapMean(mean_of(values), std::move(means));
}

// p = (1 + resamples beyond t) / (1 + resamples), so a level allows this many beyond.
Bounds BootstrapMean::bounds(double level) const {
  const auto count = static_cast<double>(sorted_.size());
  const double allowed = std::floor(level * (count + 1) * (1 + 1e-12)) - 1;
  if (allowed < 0) return {-kUnbounded, kUnbounded};
  const size_t beyond = std::min(static_cast<size_t>(allowed), sorted_.size() - 1);
  return {sorted_[beyond], sorted_[sorted_.size() - 1 - beyond]};
}

double BootstrapMean::p_above(double t) const {
  const auto above = sorted_.end() - std::ranges::upper_bound(sorted_, t);
  return static_cast<double>(1 + above) / static_cast<double>(1 + sorted_.size());
}

double BootstrapMean::p_at_most(double t) const {
  const auto at_most = std::ranges::upper_bound(sorted_, t) - sorted_.begin();
  return static_cast<double>(1 + at_most) / static_cast<double>(1 + sorted_.size());
}

Result<QuantileBounds> QuantileBounds::make(std::span<const double> values, double share) {
  TRY_OK(check_finite(values));
  if (!(share > 0 && share < 1)) return invalid("quantile {}, want between 0 and 1", share);
  TRY(value, quantile(values, share));
  std::vector<double> descending(values.begin(), values.end());
  std::ranges::sort(descending, std::greater());
  return QuantileBounds(value, share, std::move(descending));
}

uint64_t QuantileBounds::count_above(double t) const {
  const auto end = std::ranges::partition_point(descending_, [t](double v) { return v > t; });
  return static_cast<uint64_t>(end - descending_.begin());
}

// The quantile is above t when more than 1 - share of all inputs are: few in the sample speak
// against it.
double QuantileBounds::p_above(double t) const {
  return cdf(count_above(t), descending_.size(), 1 - share_);
}

double QuantileBounds::p_at_most(double t) const {
  const uint64_t above = count_above(t);
  return above == 0 ? 1.0 : upper_tail(above, descending_.size(), 1 - share_);
}

Bounds QuantileBounds::bounds(double level) const {
  const uint64_t n = descending_.size();
  const double p = 1 - share_;
  Bounds out = {-kUnbounded, kUnbounded};
  // The most that may lie above the upper bound, and the fewest that must reach the lower one: both
  // chances are monotone in k.
  const auto count_where = [n](auto holds) {
    uint64_t low = 0;
    uint64_t high = n;
    while (low < high) {
      const uint64_t middle = (low + high) / 2;
      if (holds(middle)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  const uint64_t allowed = count_where([&](uint64_t k) { return cdf(k, n, p) <= level; });
  if (allowed > 0) out.upper = descending_[allowed - 1];
  const uint64_t needed =
      1 + count_where([&](uint64_t k) { return upper_tail(k + 1, n, p) > level; });
  if (needed <= n) out.lower = descending_[needed - 1];
  return out;
}

Result<Bounds> clopper_pearson(uint64_t k, uint64_t n, double confidence) {
  if (n == 0 || k > n) return invalid("{} of {} seen, want at most all of 1 or more", k, n);
  if (!(confidence > 0 && confidence < 1)) {
    return invalid("confidence {}, want between 0 and 1", confidence);
  }
  const double level = (1 - confidence) / 2;
  const auto hits = static_cast<double>(k);
  const auto misses = static_cast<double>(n - k);
  Bounds out = {0, 1};
  if (k > 0) out.lower = boost::math::ibeta_inv(hits, misses + 1, level);
  if (k < n) out.upper = boost::math::ibetac_inv(hits + 1, misses, level);
  return out;
}

Result<Holm> holm(std::span<const double> p_values, double level) {
  if (!(level > 0 && level < 1)) return invalid("level {}, want between 0 and 1", level);
  for (const double p : p_values) {
    if (!(p >= 0 && p <= 1)) return invalid("p-value {}, want 0 to 1", p);
  }
  const size_t count = p_values.size();
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return p_values[i]; });
  Holm out = {std::vector<double>(count), std::vector<double>(count)};
  double running = 0;
  double held = 0;
  bool stopped = false;
  for (size_t step = 0; step < count; ++step) {
    const auto open = static_cast<double>(count - step);
    const double p = p_values[order[step]];
    running = std::max(running, std::min(1.0, open * p));
    // After the first test that fails all others fail too, at its level.
    if (!stopped) held = level / open;
    stopped = stopped || p > held;
    out.adjusted[order[step]] = running;
    out.levels[order[step]] = held;
  }
  return out;
}

}  // namespace cloister::audit
