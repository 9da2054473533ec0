#include "audit/protocol/budget.h"

#include "base/nearest.h"

namespace cloister::audit {
namespace {

const std::vector<Budget>& budgets() {
  static const std::vector<Budget> all = {
      {.name = "quick",
       .attacker_train = 1500,
       .attacker_validation = 128,
       .selection = 128,
       .certification = 512,
       .subsample = 16,
       .effort =
           {.network = {.width = 32, .blocks = 1}, .epochs = 10, .iterations = 100, .restarts = 1}},
      {.name = "standard",
       .attacker_train = 5000,
       .attacker_validation = 256,
       .selection = 500,
       .certification = 1000,
       .subsample = 50,
       .effort =
           {.network = {.width = 32, .blocks = 2}, .epochs = 12, .iterations = 300, .restarts = 2}},
      {.name = "thorough",
       .attacker_train = 50'000,
       .attacker_validation = 1000,
       .selection = 1000,
       .certification = 5000,
       .subsample = 200,
       .effort = {.network = {.width = 64, .blocks = 4},
                  .epochs = 40,
                  .iterations = 2000,
                  .restarts = 4}},
  };
  return all;
}

}  // namespace

Result<Budget> find_budget(const std::string& name) {
  std::string names;
  for (const Budget& budget : budgets()) {
    if (budget.name == name) return budget;
    names += (names.empty() ? "" : ", ") + budget.name;
  }
  return fail(Kind::kUsage, "no budget '{}': want one of {}", printable(name), names);
}

std::vector<std::pair<std::string, double>> budget_numbers(const Budget& budget) {
  const Effort& effort = budget.effort;
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  return {{"attacker_train", number(budget.attacker_train)},
          {"attacker_validation", number(budget.attacker_validation)},
          {"selection", number(budget.selection)},
          {"certification", number(budget.certification)},
          {"subsample", number(budget.subsample)},
          {"width", number(effort.network.width)},
          {"blocks", number(effort.network.blocks)},
          {"epochs", number(effort.epochs)},
          {"batch", number(effort.batch)},
          {"learning_rate", effort.learning_rate},
          {"rmle_iterations", number(effort.iterations)},
          {"rmle_restarts", number(effort.restarts)}};
}

}  // namespace cloister::audit
