#include "app/options/policy.h"

#include <cstdlib>

namespace cloister {
namespace {

// The gates of another metric are in another unit, so its defaults come with it.
Result<> set_threshold(std::string_view text, audit::Policy& policy) {
  const size_t equals = text.find('=');
  const std::string number(equals == std::string_view::npos ? "" : text.substr(equals + 1));
  char* end = nullptr;
  const double threshold = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0') {
    return fail(Kind::kUsage, "--threshold '{}', want METRIC=NUMBER, such as ssim=0.3",
                printable(text, 40));
  }
  TRY(metric, audit::parse_metric(text.substr(0, equals)));
  if (metric != policy.metric) {
    const audit::Policy fresh = audit::default_policy(metric);
    policy.metric = metric;
    policy.positive_control = fresh.positive_control;
    policy.negative_control = fresh.negative_control;
    policy.data_gain = fresh.data_gain;
  }
  policy.threshold = threshold;
  return {};
}

}  // namespace

Result<> apply(const PolicyOptions& options, audit::Policy& policy) {
  if (!options.threshold.empty()) TRY_OK(set_threshold(options.threshold, policy));
  if (!options.statistic.empty()) {
    TRY(statistic, audit::parse_statistic(options.statistic));
    policy.statistic = statistic;
  }
  if (options.n_min) policy.n_min = *options.n_min;
  return {};
}

}  // namespace cloister
