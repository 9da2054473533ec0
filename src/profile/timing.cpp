#include "profile/timing.h"

#include <algorithm>

namespace cloister::profile {

Timing timing_of(std::vector<double> ms) {
  if (ms.empty()) return {};
  std::ranges::sort(ms);
  // Between the two nearest values, in proportion.
  const auto quantile = [&](double share) {
    const double place = share * static_cast<double>(ms.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, ms.size() - 1);
    return ms[below] + (ms[above] - ms[below]) * (place - static_cast<double>(below));
  };
  return {quantile(0.5), quantile(0.25), quantile(0.75)};
}

}  // namespace cloister::profile
