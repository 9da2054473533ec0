// The attackers that there are: one row each. What a row makes is in audit/attack/attackers.h.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cloister::audit {

// What an attacker spends most of its time on, and so what an estimate multiplies.
enum class AttackCost {
  kNone,        // next to nothing
  kEpochs,      // training: the budget's epochs over the attacker's own inputs
  kIterations,  // search: the budget's iterations for each input that is attacked
};

// All that is known of an attacker by its name. Plain data.
struct AttackerInfo {
  std::string_view name;     // as flags, policies and records say it
  std::string_view meaning;  // for the report: half a sentence without a full stop
  AttackCost cost = AttackCost::kNone;
  double length = 1;  // how long it takes next to the others; for progress only
  std::string_view start =
      {};                   // the attacker that is fitted first, and from whose answer it starts
  bool subsampled = false;  // too slow for all inputs: scored on the budget's subsample only
  bool learns = false;      // from pairs, so that pairs shuffled must teach it nothing
  bool rebuilds = false;    // must rebuild inputs at the shallowest cut: the positive control
  bool gains = false;       // the one that is trained on half of the data, to see what more gives
};

// In the order in which they run.
inline constexpr auto kAttackers = std::to_array<AttackerInfo>({
    {.name = "inverse-net",
     .meaning = "a network trained to turn feature maps back into inputs",
     .cost = AttackCost::kEpochs,
     .learns = true,
     .rebuilds = true,
     .gains = true},
    {.name = "cgan",
     .meaning = "such a network, trained against a second one that tells real from rebuilt",
     .cost = AttackCost::kEpochs,
     .length = 2,
     .learns = true,
     .rebuilds = true},
    {.name = "retrieval",
     .meaning = "answers with the training input whose feature map is nearest",
     .length = 0.1,
     .learns = true},
    {.name = "rmle",
     .meaning = "no training: searches, step by step, for an input with the same feature map",
     .cost = AttackCost::kIterations,
     .subsampled = true},
    {.name = "rmle+net",
     .meaning = "such a search, started from what inverse-net rebuilds",
     .cost = AttackCost::kIterations,
     .start = "inverse-net",
     .subsampled = true},
});

// A guess without feature maps, which a record lists like an attacker.
struct BaselineInfo {
  std::string_view name;
  std::string_view meaning;
  bool needs_labels = false;  // can't guess where the data has none
};

inline constexpr auto kBaselines = std::to_array<BaselineInfo>({
    {"constant", "always gives the same answer, the best there is"},
    {"class-mean", "gives the mean of the input's class", true},
    {"random-same-class", "gives another input of the same class", true},
});

// The names of kAttackers, in its order.
const std::vector<std::string>& attacker_names();

// The row of that name; null for a name that there is none of. Records name attackers too, and may
// come from a newer version.
const AttackerInfo* find_attacker(std::string_view name);

// The same for what a user or our own code names. kUsage for a name that there is none of, with the
// nearest that there is.
Result<const AttackerInfo*> known_attacker(std::string_view name);

// The attacker that shows whether more data would help.
const AttackerInfo& gain_attacker();

// What an attacker or baseline does; empty for a name not known.
std::string_view attacker_meaning(std::string_view name);

}  // namespace cloister::audit
