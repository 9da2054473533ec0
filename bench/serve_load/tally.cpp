#include <algorithm>
#include <cmath>

#include "bench/serve_load/load.h"

namespace cloister::bench {
namespace {

constexpr double kSlot_s = 0.1;

using Times = std::vector<Clock::time_point>;

double seconds_from(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// How many fall into each 100 ms after `began`.
std::vector<uint64_t> timeline(const Times& times, Clock::time_point began) {
  std::vector<uint64_t> slots;
  for (const Clock::time_point time : times) {
    const auto slot = static_cast<size_t>(std::max(0.0, seconds_from(began, time) / kSlot_s));
    if (slot >= slots.size()) slots.resize(slot + 1);
    ++slots[slot];
  }
  return slots;
}

}  // namespace

void Tally::add(Tally other) {
  ok += other.ok;
  wrong += other.wrong;
  lost += other.lost;
  refused_connections += other.refused_connections;
  for (const auto& [name, count] : other.errors) errors[name] += count;
  for (const auto& [text, count] : other.messages) messages[text] += count;
  ok_at.insert(ok_at.end(), other.ok_at.begin(), other.ok_at.end());
  ok_ms.insert(ok_ms.end(), other.ok_ms.begin(), other.ok_ms.end());
  failed_at.insert(failed_at.end(), other.failed_at.begin(), other.failed_at.end());
}

nlohmann::json Tally::json(const Round& round, Clock::time_point began,
                           Clock::time_point ended) const {
  uint64_t failed = wrong + lost;
  for (const auto& [name, count] : errors) failed += count;
  std::vector<double> counted_ms;
  const auto warm = began + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(round.warmup_s));
  for (size_t i = 0; i < ok_at.size(); ++i) {
    if (ok_at[i] >= warm && ok_at[i] <= ended) counted_ms.push_back(ok_ms[i]);
  }
  const double per_second = static_cast<double>(counted_ms.size()) / seconds_from(warm, ended);

  Times successes = ok_at;
  std::ranges::sort(successes);
  double longest_gap_s = 0;
  Clock::time_point last = began;
  for (const Clock::time_point time : successes) {
    longest_gap_s = std::max(longest_gap_s, seconds_from(last, time));
    last = time;
  }
  longest_gap_s = std::max(longest_gap_s, seconds_from(last, ended));

  return {{"connections", round.connections},
          {"seconds", round.seconds},
          {"began_monotonic_s", monotonic_s(began)},
          {"requests", ok + failed},
          {"ok", ok},
          {"wrong", wrong},
          {"lost", lost},
          {"errors", errors},
          {"refused_connections", refused_connections},
          {"messages", messages},
          {"latency_ms", latency_json(counted_ms)},
          {"per_second", std::round(per_second * 100) / 100},
          {"longest_gap_ms", std::round(longest_gap_s * 1000)},
          {"ok_per_100ms", timeline(ok_at, began)},
          {"failed_per_100ms", timeline(failed_at, began)}};
}

}  // namespace cloister::bench
