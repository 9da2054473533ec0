// Makes the attackers of audit/attackers.h.
#pragma once

#include "audit/attack/attacker.h"
#include "audit/attackers.h"

namespace cloister::audit {

// Makes and fits another attacker, which the one that is made starts from. May give null where
// nothing is to be rebuilt, only timed: the attacker then starts as if alone.
using FitFirst = std::function<Result<std::shared_ptr<Attacker>>(const AttackerInfo& first)>;

// The attacker of a row of kAttackers, not fitted. `fit_first` is called for rows with a `start`,
// and its errors are given on.
Result<std::shared_ptr<Attacker>> make_attacker(const AttackerInfo& info,
                                                const FitFirst& fit_first);

}  // namespace cloister::audit
