#include "audit/metric.h"

#include <limits>

#include "base/words.h"

namespace cloister::audit {
namespace {

constexpr double kHuge = std::numeric_limits<double>::max();

constexpr MetricInfo kMetrics[] = {
    {.metric = Metric::kSsim,
     .word = "ssim",
     .name = "SSIM",
     .unit = "",
     .meaning = "Structural similarity of a picture and its reconstruction: 1 is a perfect copy, "
                "0 has nothing in common.",
     .without_floor = Metric::kSsim,
     .lowest = -1,
     .highest = 1,
     .threshold = 0.3,
     .positive_control = 0.9,
     .negative_control = 0.05,
     .data_gain = 0.02},
    {.metric = Metric::kSsimAdvantage,
     .word = "ssim_advantage",
     .name = "SSIM advantage",
     .unit = "",
     .meaning = "Structural similarity above what an answer that never saw the feature map "
                "reaches: 0 means that the feature map did not help.",
     .without_floor = Metric::kSsim,
     .lowest = -1,
     .highest = 1,
     .threshold = 0.1,
     .positive_control = 0.9,
     .negative_control = 0.05,
     .data_gain = 0.02},
    {.metric = Metric::kMsSsim,
     .word = "ms_ssim",
     .name = "MS-SSIM",
     .unit = "",
     .meaning = "Structural similarity at five scales: 1 is a perfect copy.",
     .without_floor = Metric::kMsSsim,
     .lowest = 0,
     .highest = 1,
     .threshold = 0.3,
     .positive_control = 0.9,
     .negative_control = 0.05,
     .data_gain = 0.02},
    {.metric = Metric::kPsnrDb,
     .word = "psnr_db",
     .name = "PSNR",
     .unit = "dB",
     .meaning = "Peak signal-to-noise ratio of a picture and its reconstruction, in decibels: "
                "about 10 for unrelated pictures, 30 and more for good copies.",
     .without_floor = Metric::kPsnrDb,
     .lowest = -kHuge,
     .highest = kHuge,
     .threshold = 14,
     .positive_control = 25,
     .negative_control = 1,
     .data_gain = 0.5},
    {.metric = Metric::kRowMatch,
     .word = "row_match",
     .name = "row match",
     .unit = "",
     .meaning = "Share of a row's cells that are recovered: categories exactly, numbers within a "
                "third of a standard deviation. 1 is the whole row.",
     .without_floor = Metric::kRowMatch,
     .lowest = 0,
     .highest = 1,
     .threshold = 0.5,
     .positive_control = 0.9,
     .negative_control = 0.05,
     .data_gain = 0.02},
    {.metric = Metric::kRowMatchAdvantage,
     .word = "row_match_advantage",
     .name = "row match advantage",
     .unit = "",
     .meaning = "Share of a row's cells recovered beyond what guessing reaches: 0 means that the "
                "feature map did not help.",
     .without_floor = Metric::kRowMatch,
     .lowest = 0,
     .highest = 1,
     .threshold = 0.1,
     .positive_control = 0.8,
     .negative_control = 0.05,
     .data_gain = 0.02},
};

}  // namespace

const MetricInfo& info_of(Metric metric) {
  return *std::ranges::find(kMetrics, metric, &MetricInfo::metric);
}

std::string_view to_string(Metric metric) {
  return info_of(metric).word;
}

Result<Metric> parse_metric(std::string_view text) {
  TRY(row, find_word(kMetrics, text, Kind::kUsage, "metric"));
  return row->metric;
}

Metric without_floor(Metric metric) {
  return info_of(metric).without_floor;
}

}  // namespace cloister::audit
