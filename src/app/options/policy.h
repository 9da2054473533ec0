// Flags that change what an audit is judged by.
#pragma once

#include <optional>

#include "audit/verdict.h"

namespace cloister {

// What is not given leaves the policy as it is.
struct PolicyOptions {
  std::string threshold;  // "ssim=0.3"
  std::string statistic;
  std::optional<uint64_t> n_min;

  bool any() const { return !threshold.empty() || !statistic.empty() || n_min.has_value(); }
};

// kUsage for text that is no threshold or names no metric or statistic.
Result<> apply(const PolicyOptions& options, audit::Policy& policy);

}  // namespace cloister
