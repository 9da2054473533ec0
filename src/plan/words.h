// How the planner says things. Pure functions, thread-safe.
#pragma once

#include "plan/plan.h"

namespace cloister::plan {

std::string leakage_words(double value);                // "0.214"
std::string limit_words(double value);                  // "0.30", or as many digits as it has
std::string metric_words(const audit::Policy& policy);  // "mean SSIM"
std::string name_of(const Candidate& candidate);        // "cut c7 on gpu", "all trusted"

// What `candidate` has more or less of than another, by the objective: "1.8x faster", "1.2x
// slower", "as fast".
std::string compared(Objective objective, const Candidate& candidate, const Candidate& other);
// The same with the word that the other's name follows: "1.8x faster than", "as fast as".
std::string compared_to(Objective objective, const Candidate& candidate, const Candidate& other);

}  // namespace cloister::plan
