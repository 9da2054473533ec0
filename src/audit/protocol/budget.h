// How much an audit may spend.
#pragma once

#include "audit/attack/attacker.h"

namespace cloister::audit {

// Plain data; docs/audit.md has the table.
struct Budget {
  std::string name;
  // Most inputs of each part.
  int64_t attacker_train = 0;
  int64_t attacker_validation = 0;
  int64_t selection = 0;
  int64_t certification = 0;
  int64_t subsample = 0;  // inputs that subsampled attackers attack, of each part
  Effort effort;
};

// "quick" (minutes, for a first look), "standard", "thorough". kUsage for another name.
Result<Budget> find_budget(const std::string& name);

// Its numbers, as a record holds them.
std::vector<std::pair<std::string, double>> budget_numbers(const Budget& budget);

}  // namespace cloister::audit
