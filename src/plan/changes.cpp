#include "plan/changes.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/bytes_text.h"
#include "plan/words.h"

namespace cloister::plan {
namespace {

constexpr size_t kMostChanges = 8;
constexpr size_t kTriedCuts = 2;  // whose threshold is looked for, besides the one that leaks least

double rounded_up(double value) {
  return std::round(std::ceil(value * 100 - 1e-9)) / 100;
}

class Finder {
 public:
  Finder(const Situation& situation, const AuditEvidence& audit,
         const std::vector<Candidate>& candidates, size_t chosen, bool safe_cut)
      : situation_(situation),
        policy_(situation.policy),
        leakage_(*situation.policy.leakage),
        audit_(audit),
        candidates_(candidates),
        chosen_(chosen),
        safe_cut_(safe_cut) {
    for (size_t i = 0; i < situation.profile.cuts.size(); ++i) {
      places_.emplace(situation.profile.cuts[i].id, i);
    }
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (is_wanted(i)) wanted_.push_back(i);
    }
    std::ranges::sort(wanted_, [this](size_t a, size_t b) { return before(a, b); });
  }

  Result<std::vector<Change>> run() {
    if (const Candidate* of = first(Refusal::kMemory)) {
      add(Refusal::kMemory, *of,
          fmt::format("raising the limit on trusted memory from {} to {}",
                      bytes_text(*policy_.max_trusted_bytes), bytes_text(of->trusted_bytes)));
    }
    if (const Candidate* of = first(Refusal::kLatency)) {
      add(Refusal::kLatency, *of,
          fmt::format("raising the limit on latency from {} to {:.4g} ms", *policy_.max_latency_ms,
                      of->latency_ms));
    }
    if (const Candidate* of = first(Refusal::kThroughput)) {
      add(Refusal::kThroughput, *of,
          fmt::format("lowering the least throughput from {} to {:.4g} items a second",
                      *policy_.min_throughput, of->throughput));
    }
    if (const Candidate* of = first(Refusal::kResultSeen)) {
      add(Refusal::kResultSeen, *of, "letting the accelerator see the result");
    }
    if (const Candidate* of = first(Refusal::kDevice)) {
      add(Refusal::kDevice, *of, fmt::format("allowing device {}", printable(of->device)));
    }
    add_audit();
    if (audit_.scores) {
      TRY_OK(add_thresholds());
      TRY_OK(add_inputs());
      TRY_OK(add_attackers());
    }
    std::ranges::stable_sort(
        out_, [this](size_t a, size_t b) { return before(a, b); }, &Change::candidate);
    if (out_.size() > kMostChanges) out_.resize(kMostChanges);
    return std::move(out_);
  }

 private:
  bool before(size_t a, size_t b) const { return better(policy_.objective, candidates_, a, b); }

  // Refused for one reason alone, and better than the choice.
  bool is_wanted(size_t i) const {
    const Candidate& c = candidates_[i];
    if (c.refused.size() != 1 || c.refused[0].refusal == Refusal::kInputSeen) return false;
    if (!safe_cut_ && has_cut(c)) return true;
    return cost(policy_.objective, c) < cost(policy_.objective, candidates_[chosen_]);
  }

  const CutLeakage& leakage_of(const Candidate& c) const {
    return situation_.leakage[places_.at(first_cut(c))];
  }

  // The best that is refused for this reason.
  const Candidate* first(Refusal refusal) const {
    const auto found = std::ranges::find_if(
        wanted_, [&](size_t i) { return candidates_[i].refused[0].refusal == refusal; });
    return found == wanted_.end() ? nullptr : &candidates_[*found];
  }

  void add(Refusal what, const Candidate& of, std::string_view change,
           std::string_view would = "would allow") {
    const auto at = static_cast<size_t>(&of - candidates_.data());
    out_.push_back({what,
                    fmt::format("{} {} {}, {}", change, would, name_of(of),
                                compared(policy_.objective, of, candidates_[chosen_])),
                    at});
  }

  void add_audit() {
    for (const size_t i : wanted_) {
      const Candidate& c = candidates_[i];
      if (c.refused[0].refusal != Refusal::kNotAudited || leakage_of(c).hopeless) continue;
      return add(
          Refusal::kNotAudited, c,
          fmt::format("auditing cut {0} (cloister audit --cuts {0})", printable(first_cut(c))),
          "may allow");
    }
  }

  // The best candidate of each cut that only its leakage keeps from being admissible, best first,
  // of those whose verdict `holds`.
  template <typename Holds>
  std::vector<const Candidate*> leaking(const Holds& holds) const {
    std::vector<const Candidate*> out;
    std::set<std::string_view> cuts;
    for (const size_t i : wanted_) {
      const Candidate& c = candidates_[i];
      const Refusal refusal = c.refused[0].refusal;
      if (refusal != Refusal::kExposed && refusal != Refusal::kUndecided) continue;
      if (cuts.insert(first_cut(c)).second && holds(*leakage_of(c).verdict)) out.push_back(&c);
    }
    return out;
  }

  // The verdicts under another policy; none where that makes no sense, such as a threshold above
  // the metric's range.
  Result<std::map<std::string, audit::CutVerdict>> judged(const audit::Policy& policy) const {
    std::map<std::string, audit::CutVerdict> out;
    auto verdicts = audit::judge(policy, *audit_.scores);
    if (!verdicts && verdicts.error().kind == cloister::Kind::kUsage) return out;
    if (!verdicts) return std::unexpected(verdicts.error());
    for (audit::CutVerdict& verdict : *verdicts) out.emplace(verdict.cut, std::move(verdict));
    return out;
  }

  static bool resists(const std::map<std::string, audit::CutVerdict>& verdicts,
                      const std::string& cut) {
    const auto found = verdicts.find(cut);
    return found != verdicts.end() && found->second.outcome == audit::Outcome::kResisted;
  }

  // A threshold at which the cut resists. Bounds depend a little on what else is certified at that
  // threshold, so it is tried a second time.
  Result<std::optional<double>> threshold_for(const std::string& cut,
                                              const audit::CutVerdict& verdict) const {
    double needed = rounded_up(std::max(verdict.leakage.bounds.upper, verdict.floor));
    // Of an advantage, a limit can be too high for any verdict.
    if (needed <= leakage_.threshold) return std::nullopt;
    for (int attempt = 0; attempt < 2; ++attempt) {
      audit::Policy policy = leakage_;
      policy.threshold = needed;
      TRY(verdicts, judged(policy));
      if (resists(verdicts, cut)) return needed;
      const auto found = verdicts.find(cut);
      if (found == verdicts.end()) break;
      const double more = rounded_up(found->second.leakage.bounds.upper);
      if (!std::isfinite(more) || more <= needed) break;
      needed = more;
    }
    return std::nullopt;
  }

  Result<> add_thresholds() {
    auto cuts = leaking([](const audit::CutVerdict& verdict) {
      return verdict.scored && std::isfinite(verdict.leakage.bounds.upper) &&
             std::ranges::all_of(verdict.failed, [](const audit::Gate& gate) {
               return gate.name == "bound" || gate.name == "floor" || gate.name == "deeper-cut";
             });
    });
    if (cuts.empty()) return {};
    const Candidate* least = *std::ranges::min_element(cuts, {}, [this](const Candidate* c) {
      return leakage_of(*c).verdict->leakage.bounds.upper;
    });
    const bool tried =
        std::ranges::find(cuts.begin(), cuts.begin() + std::min(cuts.size(), kTriedCuts), least) !=
        cuts.begin() + std::min(cuts.size(), kTriedCuts);
    cuts.resize(std::min(cuts.size(), kTriedCuts));
    if (!tried) cuts.push_back(least);
    for (const Candidate* c : cuts) {
      TRY(threshold, threshold_for(first_cut(*c), *leakage_of(*c).verdict));
      if (!threshold) continue;
      add(c->refused[0].refusal, *c,
          fmt::format("raising the limit on leakage ({}) from {} to {}", metric_words(leakage_),
                      limit_words(leakage_.threshold), limit_words(*threshold)));
    }
    return {};
  }

  static bool fails(const audit::CutVerdict& verdict, std::string_view gate) {
    return std::ranges::any_of(verdict.failed, [&](const audit::Gate& failed) {
      return failed.name == gate || failed.name == "deeper-cut";
    });
  }

  // Says `change` of the best cut that would resist under `policy`.
  Result<> add_if_resists(const audit::Policy& policy, std::string_view gate,
                          std::string_view change, std::string_view would) {
    const auto cuts =
        leaking([&](const audit::CutVerdict& verdict) { return fails(verdict, gate); });
    if (cuts.empty()) return {};
    TRY(verdicts, judged(policy));
    for (const Candidate* c : cuts) {
      if (!resists(verdicts, first_cut(*c))) continue;
      add(Refusal::kUndecided, *c, change, would);
      break;
    }
    return {};
  }

  Result<> add_inputs() {
    const uint64_t n = audit_.scores->floor.size();
    if (n >= leakage_.n_min) return {};
    audit::Policy policy = leakage_;
    policy.n_min = n;
    return add_if_resists(
        policy, "n",
        fmt::format("accepting {} held-out inputs instead of {} (n_min)", n, leakage_.n_min),
        "would allow");
  }

  // What every attacked cut has been put through, of what the policy names.
  Result<> add_attackers() {
    std::vector<std::string> missing;
    audit::Policy policy = leakage_;
    std::erase_if(policy.attackers, [&](const std::string& name) {
      const bool ran = std::ranges::all_of(audit_.scores->cuts, [&](const audit::CutScores& cut) {
        return cut.runs.empty() ||
               std::ranges::find(cut.runs, name, &audit::AttackerRun::attacker) != cut.runs.end();
      });
      if (!ran) missing.push_back(printable(name));
      return !ran;
    });
    if (missing.empty() || policy.attackers.empty()) return {};
    return add_if_resists(policy, "attacker",
                          fmt::format("an audit that includes {}", fmt::join(missing, ", ")),
                          "may allow");
  }

  const Situation& situation_;
  const PlanPolicy& policy_;
  const audit::Policy& leakage_;
  const AuditEvidence& audit_;
  const std::vector<Candidate>& candidates_;
  const size_t chosen_;
  const bool safe_cut_;
  std::map<std::string_view, size_t> places_;  // of cuts in the profile
  std::vector<size_t> wanted_;                 // best first
  std::vector<Change> out_;
};

}  // namespace

Result<std::vector<Change>> list_changes(const Situation& situation, const AuditEvidence& audit,
                                         const std::vector<Candidate>& candidates, size_t chosen,
                                         bool safe_cut) {
  return Finder(situation, audit, candidates, chosen, safe_cut).run();
}

}  // namespace cloister::plan
