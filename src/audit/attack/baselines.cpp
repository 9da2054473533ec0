#include "audit/attack/baselines.h"

#include <algorithm>

namespace cloister::audit {
namespace {

struct GuessRow {
  std::string_view name;
  Guess guess;
};

// The rows of kBaselines, in its order.
constexpr auto kGuesses = std::to_array<GuessRow>({
    {"constant", guess_constant},
    {"class-mean", guess_class_mean},
    {"random-same-class", guess_same_class},
});

static_assert(std::ranges::equal(kGuesses, kBaselines, {}, &GuessRow::name, &BaselineInfo::name),
              "every baseline has its guess, in the same order");

}  // namespace

Guess guess_of(const BaselineInfo& info) {
  const auto row = std::ranges::find(kGuesses, info.name, &GuessRow::name);
  return row == kGuesses.end() ? nullptr : row->guess;
}

}  // namespace cloister::audit
