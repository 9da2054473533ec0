#include "profile/interpolate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cloister::profile {
namespace {

// The least-squares slope of `value` in `extra`, with a line in `at` fitted beside it: both are
// first freed of what a line in `at` explains (Frisch-Waugh-Lovell theorem).
double fit_slope(const std::vector<Anchor>& anchors) {
  // A line takes two of the anchors' degrees of freedom, the slope one.
  if (anchors.size() < 4) return 0;
  const auto n = static_cast<double>(anchors.size());
  double mean_at = 0, mean_extra = 0, mean_value = 0;
  for (const Anchor& a : anchors) {
    mean_at += a.at / n;
    mean_extra += a.extra / n;
    mean_value += a.value / n;
  }
  double at_at = 0, at_extra = 0, at_value = 0;
  for (const Anchor& a : anchors) {
    at_at += (a.at - mean_at) * (a.at - mean_at);
    at_extra += (a.at - mean_at) * (a.extra - mean_extra);
    at_value += (a.at - mean_at) * (a.value - mean_value);
  }
  if (at_at <= 0) return 0;
  double rest_rest = 0, rest_value = 0;
  for (const Anchor& a : anchors) {
    const double rest = a.extra - mean_extra - at_extra / at_at * (a.at - mean_at);
    const double value = a.value - mean_value - at_value / at_at * (a.at - mean_at);
    rest_rest += rest * rest;
    rest_value += rest * value;
  }
  return rest_rest > 0 ? std::max(0.0, rest_value / rest_rest) : 0;
}

}  // namespace

Curve::Curve(std::vector<Anchor> anchors) : slope_(fit_slope(anchors)) {
  std::ranges::stable_sort(anchors, {}, &Anchor::at);
  for (size_t i = 0; i < anchors.size();) {
    Anchor mean{anchors[i].at, 0, 0};
    double count = 0;
    for (; i < anchors.size() && anchors[i].at == mean.at; ++i, ++count) {
      mean.value += anchors[i].value - slope_ * anchors[i].extra;
    }
    mean.value /= count;
    anchors_.push_back(mean);
  }
}

double Curve::at(double place, double extra) const {
  double base = anchors_[0].value;
  if (anchors_.size() > 1) {
    const auto after = std::ranges::upper_bound(anchors_, place, {}, &Anchor::at);
    const auto right = std::clamp(after, anchors_.begin() + 1, anchors_.end() - 1);
    const Anchor& a = *(right - 1);
    const Anchor& b = *right;
    base = a.value + (b.value - a.value) * (place - a.at) / (b.at - a.at);
  }
  return std::max(0.0, base + slope_ * extra);
}

std::vector<size_t> spread(std::span<const double> places, size_t count) {
  std::vector<size_t> taken;
  if (places.empty() || count == 0) return taken;
  taken.push_back(0);
  if (count > 1 && places.size() > 1) taken.push_back(places.size() - 1);
  if (count > taken.size()) {
    const auto more = between(places, taken, count - taken.size());
    taken.insert(taken.end(), more.begin(), more.end());
    std::ranges::sort(taken);
  }
  return taken;
}

std::vector<size_t> between(std::span<const double> places, std::span<const size_t> taken,
                            size_t count) {
  std::vector<double> distance(places.size(), std::numeric_limits<double>::infinity());
  const auto take = [&](size_t i) {
    for (size_t j = 0; j < places.size(); ++j) {
      distance[j] = std::min(distance[j], std::abs(places[j] - places[i]));
    }
    distance[i] = -1;
  };
  for (const size_t i : taken) take(i);
  std::vector<size_t> out;
  while (out.size() < count) {
    const auto farthest = std::ranges::max_element(distance);
    if (farthest == distance.end() || *farthest < 0) break;
    out.push_back(static_cast<size_t>(farthest - distance.begin()));
    take(out.back());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace cloister::profile
