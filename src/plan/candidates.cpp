#include "plan/candidates.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/bytes_text.h"
#include "base/checked.h"
#include "plan/words.h"

namespace cloister::plan {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kShortestMs = 1e-6;  // so that a throughput is finite

using profile::CutCost;
using profile::Device;

double throughput_of(const Candidate& c, bool overlaps, int64_t batch) {
  const double ms = overlaps ? std::max({c.trusted_ms, c.untrusted_ms, c.link_ms}) : c.latency_ms;
  return 1000 * static_cast<double>(batch) / std::max(ms, kShortestMs);
}

// The numbers of Candidate follow from its parts.
void add_up(Candidate& c, bool overlaps, int64_t batch) {
  c.latency_ms = c.trusted_ms + c.untrusted_ms + c.link_ms;
  c.throughput = throughput_of(c, overlaps, batch);
}

// In the order in which costs break ties.
std::array<double, 4> costs(const Candidate& c) {
  return {c.latency_ms, -c.throughput, static_cast<double>(c.trusted_bytes),
          static_cast<double>(c.bytes_across)};
}

// For comparisons: nothing leaks where nothing leaves, and what is not known is the worst.
double leakage_rank(const Candidate& c) {
  if (is_all_trusted(c)) return -kInfinity;
  const bool input_seen = std::ranges::any_of(
      c.refused, [](const Reason& reason) { return reason.refusal == Refusal::kInputSeen; });
  return input_seen ? kInfinity : c.leakage.upper.value_or(kInfinity);
}

bool keeps_limits(const PlanPolicy& policy, const Candidate& c) {
  return (!policy.max_trusted_bytes || c.trusted_bytes <= *policy.max_trusted_bytes) &&
         (!policy.max_latency_ms || c.latency_ms <= *policy.max_latency_ms) &&
         (!policy.min_throughput || c.throughput >= *policy.min_throughput);
}

// Two numbers of bytes; with all their digits where the short form does not tell them apart.
std::string memory_reason(uint64_t found, uint64_t limit) {
  std::string shown = bytes_text(found);
  std::string wanted = bytes_text(limit);
  if (shown == wanted) {
    shown = fmt::format("{} B", found);
    wanted = fmt::format("{} B", limit);
  }
  return fmt::format("it takes {} of trusted memory, want at most {}", shown, wanted);
}

// "it takes 12.3 ms, want at most 10 ms"
std::string number_reason(std::string_view verb, double found, std::string_view unit,
                          std::string_view want, double limit) {
  std::string shown = fmt::format("{:.4g}", found);
  if (shown == fmt::format("{:.4g}", limit)) shown = fmt::format("{}", found);
  return fmt::format("it {} {} {}, want {} {} {}", verb, shown, unit, want, limit, unit);
}

class Lister {
 public:
  explicit Lister(const Situation& situation)
      : situation_(situation), profile_(situation.profile), policy_(situation.policy) {}

  std::vector<Candidate> run() {
    add(all_trusted());
    for (size_t d = 0; d < profile_.devices.size(); ++d) add(all_untrusted(d));
    for (size_t c = 0; c < profile_.cuts.size(); ++c) {
      for (size_t d = 0; d < profile_.devices.size(); ++d) add(two(c, d), c);
      for (size_t d = 0; d < profile_.devices.size(); ++d) {
        if (auto best = best_three(c, d)) {
          add(std::move(best->first), c, exposes(c, best->second));
        }
      }
    }
    return std::move(out_);
  }

 private:
  Candidate all_trusted() const {
    Candidate c;
    c.segments = segments_between({});
    c.measured = true;
    c.trusted_ms = profile_.trusted.whole.ms;
    c.trusted_bytes = profile_.trusted.memory.peak;
    add_up(c, false, profile_.settings.batch);
    return c;
  }

  Candidate all_untrusted(size_t d) const {
    const Device& device = profile_.devices[d];
    Candidate c = on_device({{.name = "body", .placement = Placement::kUntrusted}}, device);
    c.measured = true;
    c.untrusted_ms = device.whole.ms;
    c.bytes_across = saturating_add(profile_.input_bytes, profile_.output_bytes);
    c.link_ms = device.link.ms(profile_.input_bytes) + device.link.ms(profile_.output_bytes);
    c.leakage.outcome = audit::to_string(audit::Outcome::kExposed);
    add_up(c, device.overlaps, profile_.settings.batch);
    return c;
  }

  Candidate two(size_t i, size_t d) const {
    const CutCost& cut = profile_.cuts[i];
    const Device& device = profile_.devices[d];
    Candidate c = on_device(segments_between({cut.id}), device);
    c.measured = cut.measured;
    c.trusted_ms = cut.head.ms;
    c.untrusted_ms = cut.bodies[d].ms;
    c.link_ms = device.link.ms(cut.bytes) + device.link.ms(profile_.output_bytes);
    c.trusted_bytes = cut.head_memory.peak;
    c.bytes_across = saturating_add(cut.bytes, profile_.output_bytes);
    c.leakage = situation_.leakage[i].leakage;
    add_up(c, device.overlaps, profile_.settings.batch);
    return c;
  }

  // Costs alone: there are as many as pairs of cuts.
  void fill_three(size_t i, size_t j, size_t d, Candidate& c) const {
    const CutCost& first = profile_.cuts[i];
    const CutCost& second = profile_.cuts[j];
    const Device& device = profile_.devices[d];
    c.trusted_ms = first.head.ms + second.tail.ms;
    c.untrusted_ms = std::max(0.0, first.bodies[d].ms - second.bodies[d].ms);
    c.link_ms = device.link.ms(first.bytes) + device.link.ms(second.bytes);
    c.trusted_bytes = saturating_add(first.head_memory.peak, second.tail_memory.peak);
    c.bytes_across = saturating_add(first.bytes, second.bytes);
    add_up(c, device.overlaps, profile_.settings.batch);
  }

  // A tail without weights of its own, or without work, is something that the accelerator could
  // compute as well.
  bool hides_result(const CutCost& second) const {
    return profile_.total.weight_bytes > second.before.weight_bytes &&
           profile_.total.macs > second.before.macs;
  }

  // With the cut that ends its body.
  std::optional<std::pair<Candidate, size_t>> best_three(size_t i, size_t d) const {
    const auto rank = [this, i](const Candidate& c, size_t j) {
      return std::tuple(exposes(i, j), !keeps_limits(policy_, c), cost(policy_.objective, c),
                        costs(c));
    };
    Candidate best;
    Candidate next;
    std::optional<size_t> end;
    for (size_t j = i + 1; j < profile_.cuts.size(); ++j) {
      if (!hides_result(profile_.cuts[j])) continue;
      fill_three(i, j, d, next);
      if (end && rank(best, *end) <= rank(next, j)) continue;
      best = next;
      end = j;
    }
    if (!end) return std::nullopt;
    Candidate c = on_device(segments_between({profile_.cuts[i].id, profile_.cuts[*end].id}),
                            profile_.devices[d]);
    fill_three(i, *end, d, c);
    c.leakage = situation_.leakage[i].leakage;
    if (!exposes(i, *end) && situation_.leakage[i].refused_unexposed) {
      c.leakage = {.outcome = std::string(kNotAudited)};
    }
    return std::pair(std::move(c), *end);
  }

  // Whether a body between these cuts gets an input.
  bool exposes(size_t i, size_t j) const {
    return situation_.leakage[i].exposed_to < profile_.cuts[j].position;
  }

  static Candidate on_device(std::vector<PlannedSegment> segments, const Device& device) {
    Candidate c;
    c.segments = std::move(segments);
    c.device = device.name;
    c.modelled = device.modelled || device.link.modelled;
    return c;
  }

  void add(Candidate c, std::optional<size_t> cut = {}, bool is_exposed = true) {
    const auto refuse = [&c](Refusal refusal, std::string why) {
      c.refused.push_back({refusal, std::move(why)});
    };
    if (is_all_untrusted(c)) {
      refuse(Refusal::kInputSeen, "the accelerator gets the model's input itself");
    }
    if (cut) {
      const CutLeakage& leakage = situation_.leakage[*cut];
      const auto& reason =
          leakage.refused_unexposed && !is_exposed ? leakage.refused_unexposed : leakage.refused;
      if (reason) c.refused.push_back(*reason);
    }
    if (shows_result(c) && !policy_.result_may_be_seen) {
      refuse(Refusal::kResultSeen,
             "the accelerator computes the result, want a trusted tail instead");
    }
    const auto& devices = policy_.devices;
    if (!c.device.empty() && !devices.empty() &&
        std::ranges::find(devices, c.device) == devices.end()) {
      refuse(Refusal::kDevice,
             fmt::format("it runs on {}, want {}", printable(c.device),
                         printable(fmt::format("{}", fmt::join(devices, " or ")), 300)));
    }
    if (policy_.max_trusted_bytes && c.trusted_bytes > *policy_.max_trusted_bytes) {
      refuse(Refusal::kMemory, memory_reason(c.trusted_bytes, *policy_.max_trusted_bytes));
    }
    if (policy_.max_latency_ms && c.latency_ms > *policy_.max_latency_ms) {
      refuse(Refusal::kLatency,
             number_reason("takes", c.latency_ms, "ms", "at most", *policy_.max_latency_ms));
    }
    if (policy_.min_throughput && c.throughput < *policy_.min_throughput) {
      refuse(Refusal::kThroughput, number_reason("does", c.throughput, "items a second", "at least",
                                                 *policy_.min_throughput));
    }
    out_.push_back(std::move(c));
  }

  const Situation& situation_;
  const profile::ProfileRecord& profile_;
  const PlanPolicy& policy_;
  std::vector<Candidate> out_;
};

}  // namespace

std::vector<Candidate> list_candidates(const Situation& situation) {
  return Lister(situation).run();
}

double cost(Objective objective, const Candidate& candidate) {
  switch (objective) {
    case Objective::kLatency:
      return candidate.latency_ms;
    case Objective::kThroughput:
      return 1 / candidate.throughput;
    case Objective::kTrustedMemory:
      break;
  }
  return static_cast<double>(candidate.trusted_bytes);
}

bool better(Objective objective, const std::vector<Candidate>& candidates, size_t a, size_t b) {
  const auto rank = [&](size_t i) {
    const Candidate& c = candidates[i];
    return std::tuple(cost(objective, c), costs(c), leakage_rank(c), std::string_view(c.device), i);
  };
  return rank(a) < rank(b);
}

void mark_pareto(std::vector<Candidate>& candidates) {
  using Point = std::array<double, 5>;
  std::vector<Point> points;
  for (const Candidate& c : candidates) {
    const auto [latency, throughput, memory, bytes] = costs(c);
    points.push_back({leakage_rank(c), latency, throughput, memory, bytes});
  }
  // What is better than a point in everything comes before it in this order.
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return points[i]; });
  std::vector<size_t> front;
  for (const size_t i : order) {
    const bool dominated = std::ranges::any_of(front, [&](size_t f) {
      return points[f] != points[i] && std::ranges::equal(points[f], points[i], std::less_equal());
    });
    candidates[i].pareto = !dominated;
    if (!dominated) front.push_back(i);
  }
}

}  // namespace cloister::plan
