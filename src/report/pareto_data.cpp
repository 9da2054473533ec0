#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/bytes_text.h"
#include "report/plan_view.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using plan::Candidate;
using plan::Plan;
using Json = nlohmann::ordered_json;

struct Axis {
  double low = 0;
  double high = 1;

  void hold(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Axis leakage_axis(const Plan& plan) {
  Axis axis;
  if (plan.policy.leakage) axis.hold(plan.policy.leakage->threshold);
  for (const Candidate& c : plan.candidates) {
    if (c.leakage.upper) axis.hold(*c.leakage.upper);
  }
  return axis;
}

bool is_input_seen(const Candidate& c) {
  return is_all_untrusted(c) || std::ranges::any_of(c.refused, [](const plan::Reason& reason) {
           return reason.refusal == plan::Refusal::kInputSeen;
         });
}

// Where it stands on the axis of leakage; nothing where nothing is known.
std::optional<double> height(const Candidate& c, const Axis& axis) {
  if (is_all_trusted(c)) return axis.low;
  if (is_input_seen(c)) return axis.high;
  if (c.leakage.upper && std::isfinite(*c.leakage.upper)) return *c.leakage.upper;
  return std::nullopt;
}

Json finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

Json point(const Plan& plan, size_t position, const Axis& axis) {
  const Candidate& c = plan.candidates[position];
  const std::string device = printable(c.device, 40) + (c.modelled ? " (modelled)" : "");
  Json out;
  out["title"] = plain_title(c) + (is_reference(c) && c.modelled ? " (modelled)" : "");
  out["device"] = c.device.empty() ? "trusted only" : device;
  out["reference"] = is_reference(c);
  out["chosen"] = position == plan.chosen;
  // Of several devices one reference is enough to read the chart by.
  out["labelled"] = position == plan.chosen || &c == all_trusted(plan) || &c == all_untrusted(plan);
  out["admissible"] = c.admissible();
  out["outcome"] = is_reference(c) ? "reference" : c.leakage.outcome;
  out["y"] = finite(height(c, axis));
  out["value"] = finite(c.leakage.value);
  out["upper"] = finite(c.leakage.upper);
  out["latency"] = c.latency_ms;
  out["parts"] = is_reference(c) ? "–" : parts_words(c);
  out["throughput"] = rate_words(c.throughput);
  out["memory"] = bytes_text(c.trusted_bytes);
  out["across"] = bytes_text(c.bytes_across);
  out["numbers"] = c.modelled                      ? "modelled"
                   : c.measured || is_reference(c) ? "measured"
                                                   : "interpolated";
  return out;
}

// Of the points, fastest first, those that leak less than all faster ones.
Json front(const Json& points) {
  Json out = Json::array();
  double least = INFINITY;
  for (const Json& p : points) {
    if (p["y"].is_null() || p["y"].get<double>() >= least) continue;
    least = p["y"].get<double>();
    out.push_back({{"latency", p["latency"]}, {"y", least}});
  }
  return out;
}

}  // namespace

Json pareto_data(const Plan& plan) {
  const Axis axis = leakage_axis(plan);
  const Ranked ranked = rank(plan);
  std::vector<size_t> positions = ranked.first;
  positions.insert(positions.end(), ranked.rest.begin(), ranked.rest.end());
  // An axis of times may be logarithmic.
  std::erase_if(positions, [&](size_t i) {
    const double latency = plan.candidates[i].latency_ms;
    return !std::isfinite(latency) || latency <= 0;
  });
  std::ranges::stable_sort(positions, {}, [&](size_t i) { return plan.candidates[i].latency_ms; });
  Json data;
  const auto& policy = plan.policy.leakage;
  data["metric"] = policy ? metric_name(policy->metric) : "leakage";
  data["statistic"] = policy ? statistic_name(policy->statistic) : "";
  data["threshold"] = policy ? finite(policy->threshold) : Json();
  data["domain"] = {axis.low, axis.high};
  data["points"] = Json::array();
  for (const size_t i : positions) data["points"].push_back(point(plan, i, axis));
  data["front"] = front(data["points"]);
  return data;
}

}  // namespace cloister::report
