// What leakage is measured in: all that is said of a metric is in its row of kMetrics (metric.cpp).
#pragma once

#include "base/error.h"

namespace cloister::audit {

// Of every metric, more is more leakage. An advantage is the leakage above the input's floor; of
// rows as a share of what the floor leaves: most cells of most tables can be guessed.
enum class Metric { kSsim, kSsimAdvantage, kMsSsim, kPsnrDb, kRowMatch, kRowMatchAdvantage };

struct MetricInfo {
  Metric metric;
  std::string_view word;     // of records and command lines: "ssim"
  std::string_view name;     // for people: "SSIM"
  std::string_view unit;     // "dB"; empty: none
  std::string_view meaning;  // for people, in a sentence or two
  Metric without_floor;      // the metric whose scores an advantage is made of; otherwise itself
  double lowest, highest;    // a score's range, before any floor is taken off
  double threshold, positive_control, negative_control, data_gain;  // default_policy()

  bool is_advantage() const { return without_floor != metric; }
};

const MetricInfo& info_of(Metric metric);

std::string_view to_string(Metric metric);           // the word
Result<Metric> parse_metric(std::string_view text);  // kUsage, listing the words

// The metric whose scores an advantage is made of; any other is its own.
Metric without_floor(Metric metric);

}  // namespace cloister::audit
