#include "bench/serve_load/round.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>

#include "base/mean.h"

namespace cloister::bench {

Result<> Round::read(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return fail(Kind::kUsage, "want a JSON object a line");
  for (const auto& [key, value] : json.items()) {
    if (key == "connections" && value.is_number_integer()) {
      connections = value.get<int>();
    } else if (key == "seconds" && value.is_number()) {
      seconds = value.get<double>();
    } else if (key == "warmup_s" && value.is_number()) {
      warmup_s = value.get<double>();
    } else if (key == "whole" && value.is_boolean()) {
      whole = value.get<bool>();
    } else {
      return fail(Kind::kUsage, "a round has no such '{}'", printable(key));
    }
  }
  if (connections < 1 || connections > 4096 || !(seconds > 0) || !(warmup_s < seconds)) {
    return fail(Kind::kUsage, "want 1 to 4096 connections, and more seconds than warm-up");
  }
  return {};
}

Result<> for_each_line(const Round& defaults,
                       const std::function<Result<nlohmann::json>(const Round&)>& run) {
  for (std::string line; std::getline(std::cin, line);) {
    Round round = defaults;
    TRY_OK(round.read(line));
    TRY(report, run(round));
    fmt::print("{}\n", report.dump());
    std::fflush(stdout);
  }
  return {};
}

nlohmann::json latency_json(std::vector<double> ms) {
  if (ms.empty()) return nullptr;
  std::ranges::sort(ms);
  nlohmann::json out;
  const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
  for (const auto& [name, share] : {std::pair{"min", 0.0},
                                    {"p10", 0.1},
                                    {"p50", 0.5},
                                    {"p90", 0.9},
                                    {"p99", 0.99},
                                    {"max", 1.0}}) {
    const double place = share * static_cast<double>(ms.size() - 1);
    out[name] = rounded(ms[static_cast<size_t>(place + 0.5)]);
  }
  out["mean"] = rounded(mean_of(ms));
  return out;
}

double monotonic_s(Clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace cloister::bench
