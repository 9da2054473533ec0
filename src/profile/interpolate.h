// Times and memory of cuts that were not measured, from those that were. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cloister::profile {

// What was measured at one place of the model.
struct Anchor {
  double at = 0;     // 0 to 1: the share of the model's time (or bytes held) before it
  double extra = 0;  // what costs besides: bytes that cross
  double value = 0;
};

// A curve through all anchors, piecewise linear in `at`, plus a cost in proportion to `extra`: the
// slope that fits the anchors best by least squares beside a straight line in `at`, and never
// negative. The ends continue the nearest piece. Two anchors at one place count as their mean.
class Curve {
 public:
  // Needs one anchor or more.
  explicit Curve(std::vector<Anchor> anchors);

  double at(double place, double extra) const;
  double slope() const { return slope_; }

 private:
  std::vector<Anchor> anchors_;  // ascending, without what `extra` explains
  double slope_ = 0;
};

// Which of the places (0 to 1, ascending) to measure, at most `count` of them: the first and the
// last, and others as evenly spread as they are there. Positions, ascending.
std::vector<size_t> spread(std::span<const double> places, size_t count);

// Others, at most `count`, each as far from the ones taken as can be.
std::vector<size_t> between(std::span<const double> places, std::span<const size_t> taken,
                            size_t count);

}  // namespace cloister::profile
