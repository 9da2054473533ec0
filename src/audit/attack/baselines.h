// The floor: what can be guessed without seeing any features. Makes the guesses of
// audit/attackers.h, one file each.
#pragma once

#include "audit/attack/attacker.h"
#include "audit/attackers.h"

namespace cloister::audit {

// What baselines learn from: the attacker's inputs, no maps. Plain data.
struct Known {
  const InputSpace* space;
  at::Tensor inputs;  // f32 [n, item...]
  at::Tensor labels;  // i64 [n], or undefined

  // Scores guesses for the validation inputs, of which there are so many.
  std::function<Result<double>(const at::Tensor& guesses)> score;
  int64_t validation = 0;
};

// Inputs that are guessed. Plain data.
struct Unseen {
  int64_t count = 0;
  at::Tensor labels;  // i64 [count], or undefined: all that is known of them
  uint64_t seed = 1;
};

// f32 [count, item...]. Errors of `known.score`. What needs labels is given them.
using Guess = Result<at::Tensor> (*)(const Known& known, const Unseen& unseen);

// The guess of a row of kBaselines.
Guess guess_of(const BaselineInfo& info);

// The best of the kind's constants, by its score.
Result<at::Tensor> guess_constant(const Known& known, const Unseen& unseen);
// The typical input of the class. For a class without any known input, that of all.
Result<at::Tensor> guess_class_mean(const Known& known, const Unseen& unseen);
// A known input of the same class, or any where there is none.
Result<at::Tensor> guess_same_class(const Known& known, const Unseen& unseen);

}  // namespace cloister::audit
