#include "audit/verdict.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>
#include <variant>

#include "base/mean.h"
#include "base/number_text.h"
#include "base/words.h"

namespace cloister::audit {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();
// Rounding that a score may have beyond the end of its metric's range.
constexpr double kRounding = 1e-6;

constexpr Word<Statistic> kStatistics[] = {
    {Statistic::kMean, "mean"}, {Statistic::kP95, "p95"}, {Statistic::kWorst, "worst"}};

Result<> check(const Policy& policy) {
  const auto wrong = [](std::string_view what, double found, std::string_view want) {
    return fail(Kind::kUsage, "policy: {} is {}, want {}", what, found, want);
  };
  const MetricInfo& metric = info_of(policy.metric);
  const double lowest = metric.is_advantage() ? metric.lowest - metric.highest : metric.lowest;
  if (!(policy.threshold >= lowest && policy.threshold < metric.highest)) {
    return wrong(
        "threshold", policy.threshold,
        fmt::format("{} or more and under {} for {}", lowest, metric.highest, metric.word));
  }
  if (!(policy.confidence > 0.5 && policy.confidence < 1)) {
    return wrong("confidence", policy.confidence, "over 0.5 and under 1");
  }
  if (!std::isfinite(policy.positive_control)) {
    return wrong("positive_control", policy.positive_control, "a number");
  }
  if (!(std::isfinite(policy.negative_control) && policy.negative_control >= 0)) {
    return wrong("negative_control", policy.negative_control, "0 or more");
  }
  if (!(std::isfinite(policy.data_gain) && policy.data_gain >= 0)) {
    return wrong("data_gain", policy.data_gain, "0 or more");
  }
  if (policy.attackers.empty()) {
    return fail(Kind::kUsage, "policy: no attackers, want the names of the required ones");
  }
  return {};
}

Result<> check_scores(const MetricInfo& metric, std::span<const double> scores) {
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!(scores[i] >= metric.lowest - kRounding && scores[i] <= metric.highest + kRounding)) {
      return invalid("score {} is {}, want {} to {} for {}", i, scores[i], metric.lowest,
                     metric.highest, metric.word);
    }
  }
  return {};
}

Result<> check_run(const MetricInfo& metric, const AttackerRun& run, size_t n) {
  const size_t want = run.inputs.empty() ? n : run.inputs.size();
  if (run.scores.size() != want) return invalid("{} scores, want {}", run.scores.size(), want);
  for (size_t i = 0; i < run.inputs.size(); ++i) {
    if (run.inputs[i] >= n || (i > 0 && run.inputs[i] <= run.inputs[i - 1])) {
      return invalid("input {} is {}, want ascending positions under {}", i, run.inputs[i], n);
    }
  }
  return check_scores(metric, run.scores);
}

Result<> check(const Policy& policy, const AuditScores& audit) {
  const MetricInfo& metric = info_of(policy.metric);
  if (auto floor = check_scores(metric, audit.floor); !floor) {
    return with_context(floor.error(), "floor");
  }
  std::set<std::string> cuts;
  for (const CutScores& cut : audit.cuts) {
    if (!cuts.insert(cut.cut).second) return invalid("cut '{}' occurs twice", cut.cut);
    std::set<std::string> attackers;
    for (const AttackerRun& run : cut.runs) {
      const std::string context = fmt::format("cut '{}', attacker '{}'", cut.cut, run.attacker);
      if (!attackers.insert(run.attacker).second) return invalid("{}: there twice", context);
      if (auto checked = check_run(metric, run, audit.floor.size()); !checked) {
        return with_context(checked.error(), context);
      }
    }
  }
  return {};
}

// The largest of the scores: its own bounds, since nothing is said about inputs outside the sample
// (the Clopper-Pearson interval of the share above the threshold does that).
struct Largest {
  double value;
  Bounds bounds(double) const { return {value, value}; }
  double p_above(double t) const { return value > t ? 1 : 0; }
  double p_at_most(double t) const { return value > t ? 0 : 1; }
};

using Estimate = std::variant<BootstrapMean, QuantileBounds, Largest>;

constexpr double kP95 = 0.95;

Result<Estimate> estimate(const Policy& policy, std::span<const double> scores) {
  switch (policy.statistic) {
    case Statistic::kMean: {
      TRY(mean, BootstrapMean::make(scores, policy.resamples, policy.seed));
      return std::move(mean);
    }
    case Statistic::kP95: {
      TRY(p95, QuantileBounds::make(scores, kP95));
      return std::move(p95);
    }
    case Statistic::kWorst:
      break;
  }
  if (scores.empty()) return invalid("0 scores");
  return Largest{*std::ranges::max_element(scores)};
}

Result<double> statistic_of(Statistic statistic, std::span<const double> scores) {
  if (scores.empty()) return invalid("0 scores");
  switch (statistic) {
    case Statistic::kMean:
      return mean_of(scores);
    case Statistic::kP95:
      return quantile(scores, kP95);
    case Statistic::kWorst:
      break;
  }
  return *std::ranges::max_element(scores);
}

// Raises `worst`, one an input, to what `cut`'s attackers scored.
void raise(std::vector<double>& worst, const CutScores& cut) {
  for (const AttackerRun& run : cut.runs) {
    for (size_t i = 0; i < run.scores.size(); ++i) {
      double& score = worst[run.inputs.empty() ? i : run.inputs[i]];
      score = std::max(score, run.scores[i]);
    }
  }
}

// How far a score is above its input's floor; of rows, as a share of what cannot be guessed.
double advantage_of(Metric metric, double score, double floor) {
  if (metric != Metric::kRowMatchAdvantage || score == kNone) return score - floor;
  const double left = 1 - floor;
  return left <= kRounding ? 0 : std::max(-1.0, (score - floor) / left);
}

// Takes the floor off each score where the metric is an advantage.
std::vector<double> leakage_scores(const Policy& policy, const AuditScores& audit,
                                   std::vector<double> worst) {
  if (info_of(policy.metric).is_advantage()) {
    for (size_t i = 0; i < worst.size(); ++i) {
      worst[i] = advantage_of(policy.metric, worst[i], audit.floor[i]);
    }
  }
  return worst;
}

// The inputs of one look at a cut; empty: all.
using Look = std::vector<size_t>;

std::set<Look> looks_of(const CutScores& cut) {
  std::set<Look> looks;
  for (const AttackerRun& run : cut.runs) looks.insert(run.inputs);
  return looks;
}

// Everything known of one cut before the correction over cuts.
struct Evidence {
  std::vector<double> scores;  // one an input, kNone where nobody attacked it
  std::vector<Estimate> estimates;
  double value = kNone;
  double own = kNone;
  uint64_t n = 0;
  double p_leaks = 1;    // p-value of "leaks more than t"
  double p_resists = 1;  // p-value of "leaks no more than t"
};

// Values and p-values of the worst look. `look_count` is the audit's: with one number for all cuts
// a shallower cut never looks safer than a deeper one.
Result<Evidence> gather(const Policy& policy, const AuditScores& audit,
                        const std::vector<double>& worst, const std::set<Look>& looks,
                        size_t look_count) {
  Evidence out;
  out.scores = leakage_scores(policy, audit, worst);
  out.p_leaks = looks.empty() ? 1 : 0;
  for (const Look& look : looks) {
    std::vector<double> seen;
    if (look.empty()) seen = out.scores;
    for (const size_t input : look) seen.push_back(out.scores[input]);
    if (seen.empty()) continue;
    TRY(value, statistic_of(policy.statistic, seen));
    TRY(made, estimate(policy, seen));
    const auto [above, at_most] = std::visit(
        [&](const auto& e) {
          return std::pair(e.p_above(policy.threshold), e.p_at_most(policy.threshold));
        },
        made);
    out.value = std::max(out.value, value);
    out.n = std::max<uint64_t>(out.n, seen.size());
    out.p_leaks = std::max(out.p_leaks, above);
    out.p_resists = std::min(out.p_resists, at_most * static_cast<double>(look_count));
    out.estimates.push_back(std::move(made));
  }
  if (out.estimates.empty()) out.p_leaks = 1;
  return out;
}

Result<double> own_value(const Policy& policy, const AuditScores& audit, const CutScores& cut) {
  std::vector<double> worst(audit.floor.size(), kNone);
  raise(worst, cut);
  std::vector<double> scores = leakage_scores(policy, audit, std::move(worst));
  std::erase(scores, kNone);
  if (scores.empty()) return kNone;
  return statistic_of(policy.statistic, scores);
}

class Judge {
 public:
  Judge(const Policy& policy, const AuditScores& audit) : policy_(policy), audit_(audit) {}

  Result<std::vector<CutVerdict>> run() {
    TRY_OK(check(policy_));
    TRY_OK(check(policy_, audit_));
    TRY_OK(gather_all());
    const double level = (1 - policy_.confidence) / 2;
    TRY(resist, holm(p_leaks_, level));
    TRY(expose, holm(p_resists_, level));
    std::vector<CutVerdict> verdicts(audit_.cuts.size());
    // Deepest first: a cut answers for all deeper ones.
    for (size_t i = verdicts.size(); i-- > 0;) {
      verdicts[i].p_leaks = resist.adjusted[i];
      TRY_OK(judge_cut(i, resist.levels[i], expose.levels[i], verdicts[i]));
      const bool unsure = std::ranges::any_of(
          verdicts[i].failed, [](const Gate& gate) { return gate.name != "bound"; });
      if (unsure && unsure_cut_.empty()) unsure_cut_ = audit_.cuts[i].cut;
    }
    return verdicts;
  }

 private:
  Result<> gather_all() {
    const size_t count = audit_.cuts.size();
    std::set<Look> all_looks;
    for (const CutScores& cut : audit_.cuts) all_looks.merge(looks_of(cut));
    look_count_ = all_looks.size();
    evidence_.resize(count);
    p_leaks_.resize(count);
    p_resists_.resize(count);
    std::vector<double> worst(audit_.floor.size(), kNone);
    std::set<Look> looks;
    for (size_t i = count; i-- > 0;) {
      const CutScores& cut = audit_.cuts[i];
      raise(worst, cut);
      looks.merge(looks_of(cut));
      TRY(gathered, gather(policy_, audit_, worst, looks, look_count_));
      TRY(own, own_value(policy_, audit_, cut));
      gathered.own = own;
      p_leaks_[i] = gathered.p_leaks;
      p_resists_[i] = gathered.p_resists;
      evidence_[i] = std::move(gathered);
    }
    if (!audit_.floor.empty()) {
      TRY(floor, statistic_of(policy_.statistic, audit_.floor));
      floor_ = floor;
      const MetricInfo& metric = info_of(policy_.metric);
      std::vector<double> perfect(audit_.floor.size(), metric.highest);
      TRY(highest,
          statistic_of(policy_.statistic, leakage_scores(policy_, audit_, std::move(perfect))));
      highest_ = highest;
      left_ = left_by(mean_of(audit_.floor));
    }
    return {};
  }

  Result<> judge_cut(size_t i, double resist_level, double expose_level, CutVerdict& out) {
    const CutScores& cut = audit_.cuts[i];
    const Evidence& evidence = evidence_[i];
    out.cut = cut.cut;
    out.n = evidence.n;
    out.floor = info_of(policy_.metric).is_advantage() ? 0 : floor_;
    out.scored = !evidence.estimates.empty();
    if (out.scored) {
      TRY_OK(fill_numbers(evidence, resist_level, expose_level, out));
    }
    if (!cut.carries_input.empty()) {
      carrier_ = cut.cut;
      carried_ = cut.carries_input;
    }

    check_gates(cut, out);
    const bool floor_holds =
        std::ranges::find(out.failed, "floor", &Gate::name) == out.failed.end();
    const bool above = out.scored && out.leakage.bounds.lower > policy_.threshold;
    if (!carrier_.empty() || (above && floor_holds)) {
      out.outcome = Outcome::kExposed;
    } else {
      if (out.scored && out.leakage.bounds.upper > policy_.threshold) {
        fail_gate(out, "bound",
                  fmt::format("the bounds of the leakage, {} to {}, hold {}",
                              number(out.leakage.bounds.lower), number(out.leakage.bounds.upper),
                              number(policy_.threshold)));
      }
      out.outcome = out.failed.empty() ? Outcome::kResisted : Outcome::kInconclusive;
    }
    out.sentence = sentence(cut, out);
    return {};
  }

  Result<> fill_numbers(const Evidence& evidence, double resist_level, double expose_level,
                        CutVerdict& out) const {
    out.own = evidence.own;
    out.leakage = {evidence.value, {kNone, kNone}};
    for (const Estimate& made : evidence.estimates) {
      std::visit(
          [&](const auto& e) {
            Bounds& bounds = out.leakage.bounds;
            bounds.upper = std::max(bounds.upper, e.bounds(resist_level).upper);
            const double level = expose_level / static_cast<double>(look_count_);
            bounds.lower = std::max(bounds.lower, e.bounds(level).lower);
          },
          made);
    }
    uint64_t attacked = 0;
    for (const double score : evidence.scores) {
      attacked += score > kNone ? 1 : 0;
      out.above += score > policy_.threshold ? 1 : 0;
    }
    TRY(share, clopper_pearson(out.above, attacked, policy_.confidence));
    out.above_share = share;
    return {};
  }

  void check_gates(const CutScores& cut, CutVerdict& out) const {
    if (!cut.no_attacker.empty()) fail_gate(out, "attacker", cut.no_attacker);
    if (!info_of(policy_.metric).is_advantage() && floor_ > policy_.threshold) {
      fail_gate(out, "floor",
                fmt::format("the floor, which sees no features, is {} and above {}: use an "
                            "advantage over the floor (ssim_advantage) as the metric",
                            number(floor_), number(policy_.threshold)));
    }
    if (info_of(policy_.metric).is_advantage() && highest_ <= policy_.threshold) {
      fail_gate(out, "floor",
                fmt::format("even a perfect reconstruction would score {}, not above {}: too much "
                            "of these inputs can be guessed",
                            number(highest_), number(policy_.threshold)));
    }
    check_runs(cut, out);
    check_controls(out);
    if (!cut.data_gain) {
      fail_gate(out, "data", "the gain from half to all of the attacker's data was not measured");
    } else if (!(cut.data_gain->all - cut.data_gain->half <= policy_.data_gain * left_)) {
      fail_gate(out, "data",
                fmt::format("leakage still rises with the attacker's data: {} with half, {} with "
                            "all, want at most {} more",
                            number(cut.data_gain->half), number(cut.data_gain->all),
                            number(policy_.data_gain * left_)));
    }
    if (!unsure_cut_.empty()) {
      fail_gate(out, "deeper-cut",
                fmt::format("the deeper cut '{}' has a gate that failed", unsure_cut_));
    }
  }

  void check_runs(const CutScores& cut, CutVerdict& out) const {
    bool complete = false;
    for (const AttackerRun& run : cut.runs) {
      complete = complete || run.inputs.empty();
      if (!run.inputs.empty() && run.inputs.size() < policy_.n_min_subsample) {
        fail_gate(out, "n",
                  fmt::format("'{}' attacked {} held-out inputs, want {} or more", run.attacker,
                              run.inputs.size(), policy_.n_min_subsample));
      }
    }
    const uint64_t n = complete ? audit_.floor.size() : 0;
    if (n == 0 || n < policy_.n_min) {
      fail_gate(out, "n",
                fmt::format("{} held-out inputs were attacked in full, want {} or more", n,
                            std::max<uint64_t>(policy_.n_min, 1)));
    }
    for (const std::string& name : policy_.attackers) {
      const auto run = std::ranges::find(cut.runs, name, &AttackerRun::attacker);
      if (run == cut.runs.end()) {
        fail_gate(out, "attacker", fmt::format("attacker '{}' was not run", name));
      } else if (!run->converged) {
        fail_gate(out, "converged", fmt::format("attacker '{}' did not converge", name));
      }
    }
  }

  void check_controls(CutVerdict& out) const {
    if (audit_.positive_controls.empty()) {
      fail_gate(out, "positive-control", "no positive control was run");
    }
    for (const Control& control : audit_.positive_controls) {
      const bool rows = policy_.metric == Metric::kRowMatchAdvantage;
      const double reached =
          rows ? advantage_of(policy_.metric, control.score, control.floor) : control.score;
      if (!(reached >= policy_.positive_control)) {
        fail_gate(out, "positive-control",
                  fmt::format("'{}' reaches {} where the input can be rebuilt, want {} or more",
                              control.attacker, number(reached), number(policy_.positive_control)));
      }
    }
    if (audit_.negative_controls.empty()) {
      fail_gate(out, "negative-control", "no negative control was run");
    }
    for (const Control& control : audit_.negative_controls) {
      if (!(control.score <= control.floor + policy_.negative_control * left_by(control.floor))) {
        fail_gate(out, "negative-control",
                  fmt::format("'{}' trained on shuffled pairs reaches {}, want at most {} above "
                              "the floor {}",
                              control.attacker, number(control.score),
                              number(policy_.negative_control * left_by(control.floor)),
                              number(control.floor)));
      }
    }
  }

  // What gates that are shares of what cannot be guessed are multiplied by.
  double left_by(double floor) const {
    return policy_.metric == Metric::kRowMatchAdvantage ? 1 - floor : 1;
  }

  static void fail_gate(CutVerdict& out, std::string name, std::string why) {
    out.failed.push_back({std::move(name), std::move(why)});
  }

  static std::string number(double value) { return number_text(value, 3); }

  std::string sentence(const CutScores& cut, const CutVerdict& out) const {
    return headline(out) + subsamples(cut) + probe(cut);
  }

  std::string headline(const CutVerdict& out) const {
    const bool advantage = info_of(policy_.metric).is_advantage();
    const std::string who =
        fmt::format("{} leakage over {} held-out inputs", to_string(policy_.statistic), out.n);
    const std::string limit =
        fmt::format("{} {}", number(policy_.threshold), to_string(policy_.metric));
    const std::string floor = advantage ? fmt::format("floor {} taken off", number(floor_))
                                        : fmt::format("floor {}", number(floor_));
    const std::string rest =
        fmt::format("{}, {} of {} above {}", floor, out.above, out.n, number(policy_.threshold));
    const std::string percent = fmt::format("{:g} %", policy_.confidence * 100);
    const Bounds& bounds = out.leakage.bounds;
    switch (out.outcome) {
      case Outcome::kResisted:
        return fmt::format("at this budget, {} stayed below {} ({} bound {}, {})", who, limit,
                           percent, number(bounds.upper), rest);
      case Outcome::kExposed:
        if (!carrier_.empty()) {
          return fmt::format(
              "exposed by construction: {} carries the model's input '{}'",
              carrier_ == out.cut ? "this cut" : fmt::format("the deeper cut '{}'", carrier_),
              carried_);
        }
        return fmt::format("at this budget, {} was {}, above {} ({} bound {}, {})", who,
                           number(out.leakage.value), limit, percent, number(bounds.lower), rest);
      case Outcome::kInconclusive:
        break;
    }
    std::string text = fmt::format("inconclusive: {}", out.failed.front().why);
    if (out.scored) {
      text += fmt::format("; measured: {} was {} (threshold {}, {} bounds {} to {}, {})", who,
                          number(out.leakage.value), limit, percent, number(bounds.lower),
                          number(bounds.upper), rest);
    }
    return text;
  }

  static std::string subsamples(const CutScores& cut) {
    std::string text;
    for (const AttackerRun& run : cut.runs) {
      if (run.inputs.empty()) continue;
      text += fmt::format("; '{}' attacked {} of them", run.attacker, run.inputs.size());
    }
    return text;
  }

  static std::string probe(const CutScores& cut) {
    if (!cut.label_probe) return "; no label probe was run";
    return fmt::format(
        "; a label probe reads the class off the same features for {:.1f} % of {} inputs ({:.1f} % "
        "by guessing)",
        cut.label_probe->accuracy * 100, cut.label_probe->n, cut.label_probe->chance * 100);
  }

  const Policy& policy_;
  const AuditScores& audit_;
  std::vector<Evidence> evidence_;
  std::vector<double> p_leaks_;
  std::vector<double> p_resists_;
  double floor_ = 0;
  double left_ = 1;  // left_by() of the mean floor
  // The statistic of a perfect reconstruction.
  double highest_ = std::numeric_limits<double>::max();
  size_t look_count_ = 0;
  // Of the cuts seen so far, from the deepest: the first with a failed gate, and that which carries
  // an input.
  std::string unsure_cut_;
  std::string carrier_;
  std::string carried_;
};

}  // namespace

std::string_view to_string(Statistic statistic) {
  return std::ranges::find(kStatistics, statistic, &Word<Statistic>::value)->word;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kExposed:
      return "exposed";
    case Outcome::kResisted:
      return "resisted";
    case Outcome::kInconclusive:
      break;
  }
  return "inconclusive";
}

Result<Statistic> parse_statistic(std::string_view text) {
  TRY(row, find_word(kStatistics, text, Kind::kUsage, "statistic"));
  return row->value;
}

Policy default_policy(Metric metric) {
  const MetricInfo& row = info_of(metric);
  Policy out;
  out.metric = metric;
  out.threshold = row.threshold;
  out.positive_control = row.positive_control;
  out.negative_control = row.negative_control;
  out.data_gain = row.data_gain;
  return out;
}

Result<std::vector<CutVerdict>> judge(const Policy& policy, const AuditScores& audit) {
  return Judge(policy, audit).run();
}

}  // namespace cloister::audit
