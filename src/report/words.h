// Numbers and terms as the page says them. Pure functions, thread-safe.
#pragma once

#include <string>

#include "audit/record.h"

namespace cloister::report {

std::string number(double value);             // "0.302"; "–" for what is not finite
std::string percent(double share);            // "28 %"
std::string seconds_words(double seconds);    // "5 min 12 s"
std::string ms_words(double ms);              // "0.42 ms", "12.3 ms", "1.25 s"
std::string rate_words(double per_second);    // "82.6 items/s"
std::string sentence(std::string_view text);  // with a capital letter and a full stop

// "SSIM"; what it means, in a sentence or two.
std::string metric_name(audit::Metric metric);
std::string metric_meaning(audit::Metric metric);

// "mean", "95th percentile", "worst"
std::string statistic_name(audit::Statistic statistic);

// "at this threshold": "SSIM 0.30"
std::string threshold_words(const audit::Policy& policy);

// "too few inputs" for gate "n"; the gate's name where it is not known.
std::string gate_words(std::string_view gate);

// What the outcome means, for a newcomer.
std::string outcome_meaning(audit::Outcome outcome);

// "3.1× faster than", "1.4× slower than", "as fast as"; empty where they can't be compared.
std::string speed_words(double ms, double reference_ms);

// "1 cut", "2 cuts"
std::string count(uint64_t n, std::string_view one, std::string_view more);

}  // namespace cloister::report
