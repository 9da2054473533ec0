// Whether a cut is exposed, resisted or neither: design.md, section 9, as a pure function over what
// was measured on the certification split. docs/design/005-verdict.md says why it is so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/metric.h"
#include "audit/statistics.h"

namespace cloister::audit {

enum class Statistic { kMean, kP95, kWorst };
enum class Outcome { kExposed, kResisted, kInconclusive };

// The words of records and command lines: "mean", "p95", "worst"; "exposed", "resisted",
// "inconclusive".
std::string_view to_string(Statistic statistic);
std::string_view to_string(Outcome outcome);
Result<Statistic> parse_statistic(std::string_view text);  // kUsage, listing the words

// What a model's owner accepts. Plain data.
struct Policy {
  Metric metric = Metric::kSsim;
  double threshold = 0.3;
  Statistic statistic = Statistic::kMean;
  uint64_t n_min = 500;           // held-out inputs
  uint64_t n_min_subsample = 50;  // of them, for an attacker too slow to attack all
  std::vector<std::string> attackers = {"cgan", "inverse-net", "retrieval"};  // must have run
  double confidence = 0.95;
  // What the gates ask for, in the metric's own unit; of row_match_advantage as shares of what the
  // floor leaves.
  double positive_control = 0.9;   // the positive control must reach this
  double negative_control = 0.05;  // the negative control must stay this close to its floor
  double data_gain = 0.02;         // all of the attacker's data may give this much more than half
  uint64_t resamples = 10'000;     // of the bootstrap
  uint64_t seed = 1;
};

// The defaults for a metric: above for "ssim"; this project's own where the literature has none.
Policy default_policy(Metric metric);

// What one attacker got out of one cut. Plain data.
struct AttackerRun {
  std::string attacker;
  bool converged = false;
  // Positions of the inputs attacked, ascending, among the certification split's; empty: all of
  // them. One score an input.
  std::vector<size_t> inputs;
  std::vector<double> scores;
};

// Mean leakage found with half of the attacker's training data, and with all of it.
struct DataGain {
  double half = 0;
  double all = 0;
};

// What can be read off the same features without reconstructing: reported, never a gate.
struct LabelProbe {
  double accuracy = 0;
  double chance = 0;  // share of the most frequent class
  uint64_t n = 0;
};

struct CutScores {
  std::string cut;
  std::string carries_input;      // the model input that crosses by construction; empty: none
  std::string no_attacker;        // why no attacker fits this kind of input; empty: some do
  std::vector<AttackerRun> runs;  // attackers that saw the features
  std::optional<DataGain> data_gain;
  std::optional<LabelProbe> label_probe;
};

// A control attack: on features that give the input away, or trained on shuffled pairs.
struct Control {
  std::string attacker;
  double score = 0;  // mean of the metric (of the metric without its floor, for an advantage)
  double floor = 0;  // mean floor over the same inputs
};

// One audit's certification split. Plain data.
struct AuditScores {
  // For each input the best score of the baselines that saw no features: the same metric, without
  // its floor when that is an advantage. Its length is n.
  std::vector<double> floor;
  std::vector<Control> positive_controls;
  std::vector<Control> negative_controls;
  std::vector<CutScores> cuts;  // shallowest first; all are certified
};

// A statistic of the scores with its simultaneous bounds.
struct Leakage {
  double value = 0;
  Bounds bounds;
};

struct Gate {
  std::string name;  // "floor", "n", "attacker", "converged", "positive-control",
                     // "negative-control", "data", "bound", "deeper-cut"
  std::string why;   // a sentence with what was found and what is wanted
};

struct CutVerdict {
  std::string cut;
  Outcome outcome = Outcome::kInconclusive;
  std::vector<Gate> failed;  // gates that keep it from being resisted, the first names the reason
  uint64_t n = 0;            // inputs scored
  bool scored = false;       // whether the numbers below, p_leaks aside, are there
  double own = 0;            // the statistic over this cut's own attackers
  Leakage leakage;           // over this cut's and all deeper cuts' attackers, Holm-corrected
  double floor = 0;          // the statistic over the floor; 0 for an advantage
  uint64_t above = 0;        // inputs above the threshold
  Bounds above_share;        // of all such inputs, Clopper-Pearson at the policy's confidence
  double p_leaks = 1;        // Holm-adjusted p-value of "leaks more than the threshold"
  std::string sentence;      // what to print
};

// One verdict a cut, in order. An input's score at a cut is the worst over all attackers that saw
// the cut's tensors, or a deeper cut's, which are a function of them. An attacker that attacked a
// subsample adds a second look, at that subsample with all attackers; a cut must resist in every
// look. kUsage for a policy that makes no sense; kInvalid for scores that are not finite or not one
// an input, or an attacker or cut named twice. Thread-safe.
Result<std::vector<CutVerdict>> judge(const Policy& policy, const AuditScores& audit);

}  // namespace cloister::audit
