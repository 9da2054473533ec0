// A plan for people.
#pragma once

#include "plan/plan.h"

namespace cloister {

// The candidates that are worth a look, or all of them, as a table; the choice and why; what would
// change it.
std::string plan_text(const plan::Plan& plan, bool all);

}  // namespace cloister
