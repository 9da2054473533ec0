#include "plan/words.h"

#include <cmath>

#include "plan/candidates.h"

namespace cloister::plan {
namespace {

std::string metric_name(audit::Metric metric) {
  const audit::MetricInfo& info = audit::info_of(metric);
  return info.unit.empty() ? std::string(info.name) : fmt::format("{} in {}", info.name, info.unit);
}

std::string_view statistic_name(audit::Statistic statistic) {
  return statistic == audit::Statistic::kP95 ? "95th percentile of" : audit::to_string(statistic);
}

struct Comparison {
  std::string_view less, more, same;  // cost
};

Comparison comparison_of(Objective objective) {
  switch (objective) {
    case Objective::kLatency:
      return {"faster", "slower", "as fast"};
    case Objective::kThroughput:
      return {"more throughput", "less throughput", "the same throughput"};
    case Objective::kTrustedMemory:
      break;
  }
  return {"less trusted memory", "more trusted memory", "the same trusted memory"};
}

// "1.8x "; nothing where one of the two is nothing.
std::string times(double factor) {
  if (!std::isfinite(factor)) return "";
  if (factor >= 100) return fmt::format("{:.0f}x ", factor);
  return factor < 1.1 ? fmt::format("{:.2f}x ", factor) : fmt::format("{:.1f}x ", factor);
}

constexpr double kSame = 1.005;  // factors that are not worth a word

}  // namespace

std::string leakage_words(double value) {
  // No "-0.000".
  return fmt::format("{:.3f}", std::abs(value) < 5e-4 ? 0 : value);
}

std::string limit_words(double value) {
  const std::string shortest = fmt::format("{}", value);
  const std::string fixed = fmt::format("{:.2f}", value);
  return shortest.size() > fixed.size() ? shortest : fixed;
}

std::string metric_words(const audit::Policy& policy) {
  return fmt::format("{} {}", statistic_name(policy.statistic), metric_name(policy.metric));
}

std::string name_of(const Candidate& candidate) {
  if (is_all_trusted(candidate)) return "all trusted";
  const std::string device = printable(candidate.device);
  if (is_all_untrusted(candidate)) return fmt::format("all untrusted on {}", device);
  return fmt::format("cut{} {} on {}", candidate.segments.size() > 2 ? "s" : "",
                     cuts_text(candidate), device);
}

std::string compared(Objective objective, const Candidate& candidate, const Candidate& other) {
  const Comparison words = comparison_of(objective);
  const double mine = cost(objective, candidate);
  const double theirs = cost(objective, other);
  if (mine == theirs) return std::string(words.same);
  if (mine < theirs) {
    return theirs < mine * kSame ? std::string(words.same)
                                 : fmt::format("{}{}", times(theirs / mine), words.less);
  }
  return mine < theirs * kSame ? std::string(words.same)
                               : fmt::format("{}{}", times(mine / theirs), words.more);
}

std::string compared_to(Objective objective, const Candidate& candidate, const Candidate& other) {
  const std::string text = compared(objective, candidate, other);
  return text + (text == comparison_of(objective).same ? " as" : " than");
}

}  // namespace cloister::plan
