#include "report/words.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>

namespace cloister::report {
namespace {

struct Meaning {
  std::string_view word;
  const char* meaning;
};

constexpr Meaning kGates[] = {
    {"floor", "the floor is above the threshold"},
    {"n", "too few inputs were attacked"},
    {"attacker", "an attacker is missing"},
    {"converged", "an attacker did not converge"},
    {"positive-control", "the positive control failed"},
    {"negative-control", "the negative control failed"},
    {"data", "more data may still help the attacker"},
    {"bound", "the interval contains the threshold"},
    {"deeper-cut", "a deeper cut failed a gate"},
};

template <size_t N>
std::string_view find(const Meaning (&meanings)[N], std::string_view word) {
  for (const Meaning& m : meanings) {
    if (m.word == word) return m.meaning;
  }
  return "";
}

// Three digits that say something, none of them in an exponent where that can be.
std::string significant(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e6) return fmt::format("{:.3g}", value);
  const int decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return fmt::format("{:.{}f}", value, size < 0.005 ? 4 : decimals);
}

std::string short_factor(double factor) {
  return factor < 10 ? fmt::format("{:.1f}", factor) : fmt::format("{:.0f}", factor);
}

}  // namespace

std::string number(double value) {
  if (!std::isfinite(value)) return "–";
  // No "-0.000".
  if (std::abs(value) < 5e-4) value = 0;
  return std::abs(value) >= 1e6 ? fmt::format("{:g}", value) : fmt::format("{:.3f}", value);
}

std::string percent(double share) {
  if (!std::isfinite(share)) return "–";
  const double value = share * 100;
  return value > 0 && value < 9.95 ? fmt::format("{:.1f} %", value)
                                   : fmt::format("{:.0f} %", value);
}

std::string seconds_words(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  if (seconds > 1e9) return fmt::format("{:g} s", seconds);
  const auto whole = static_cast<uint64_t>(seconds);
  return whole < 3600 ? fmt::format("{} min {} s", whole / 60, whole % 60)
                      : fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string ms_words(double ms) {
  if (!std::isfinite(ms)) return "–";
  if (std::abs(ms) >= 1e3) return significant(ms / 1e3) + " s";
  return significant(ms) + " ms";
}

std::string rate_words(double per_second) {
  return std::isfinite(per_second) ? significant(per_second) + " items/s" : "–";
}

std::string speed_words(double ms, double reference_ms) {
  const double factor = reference_ms / ms;
  if (!std::isfinite(factor) || factor <= 0) return "";
  // Two digits are said of it, and of so small a difference nothing.
  if (std::abs(factor - 1) < 0.05) return "as fast as";
  return factor > 1 ? fmt::format("{}× faster than", short_factor(factor))
                    : fmt::format("{}× slower than", short_factor(1 / factor));
}

std::string sentence(std::string_view text) {
  std::string out(text);
  if (out.empty()) return out;
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  if (!out.ends_with('.')) out += '.';
  return out;
}

std::string metric_name(audit::Metric metric) {
  const audit::MetricInfo& info = audit::info_of(metric);
  return info.unit.empty() ? std::string(info.name) : fmt::format("{} ({})", info.name, info.unit);
}

std::string metric_meaning(audit::Metric metric) {
  return std::string(audit::info_of(metric).meaning);
}

std::string statistic_name(audit::Statistic statistic) {
  if (statistic == audit::Statistic::kP95) return "95th percentile";
  return std::string(audit::to_string(statistic));
}

std::string threshold_words(const audit::Policy& policy) {
  // 0.3 is said as 0.30, and 0.125 as it is.
  const std::string shortest = fmt::format("{}", policy.threshold);
  const std::string fixed = fmt::format("{:.2f}", policy.threshold);
  return fmt::format("{} {}", metric_name(policy.metric),
                     shortest.size() > fixed.size() ? shortest : fixed);
}

std::string gate_words(std::string_view gate) {
  const std::string_view words = find(kGates, gate);
  return std::string(words.empty() ? gate : words);
}

std::string outcome_meaning(audit::Outcome outcome) {
  switch (outcome) {
    case audit::Outcome::kExposed:
      return "the attackers rebuilt more than the threshold allows, or the input itself crosses";
    case audit::Outcome::kResisted:
      return "every attacker that the policy requires ran and stayed at or below the threshold at "
             "this budget, and all "
             "checks of the attack itself held";
    case audit::Outcome::kInconclusive:
      break;
  }
  return "neither could be shown; the reason is given. Treat it as exposed";
}

std::string count(uint64_t n, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", n, n == 1 ? one : more);
}

}  // namespace cloister::report
