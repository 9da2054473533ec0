// The fields of plan-policy.json (docs/formats/plan-policy.md), which plan.json holds too.
#pragma once

#include "audit/record_fields.h"
#include "plan/policy.h"

namespace cloister::plan {

inline constexpr double kMostMs = 1e12;
inline constexpr double kMostItems = 1e18;  // a second
inline constexpr size_t kMostDevices = 64;

template <typename Io>
void fields(Io& io, Of<Io, PlanPolicy> r) {
  io.optional("leakage", r.leakage);
  io.term("objective", r.objective);
  io.optional("max_latency_ms", r.max_latency_ms, 0.0, kMostMs);
  io.optional("min_throughput", r.min_throughput, 0.0, kMostItems);
  io.count_or_null("max_trusted_bytes", r.max_trusted_bytes, kMaxCount);
  io.flag("result_may_be_seen", r.result_may_be_seen);
  io.texts("devices", r.devices, kMostDevices, kShort);
}

}  // namespace cloister::plan
