// The floor: what can be guessed without seeing any features. One file each.
#pragma once

#include "audit/attack/attacker.h"

namespace cloister::audit {

// What baselines learn from: the attacker's inputs, no maps.
struct Known {
  const InputSpace* space;
  at::Tensor inputs;  // f32 [n, item...]
  at::Tensor labels;  // i64 [n], or undefined
};

// Scores guesses for the validation inputs.
using ScoreGuess = std::function<Result<double>(const at::Tensor& guesses)>;

// f32 [labels, item...]: guesses for inputs of which only the class is known.

// The best of a few constant guesses, by its score on `validation` inputs: mean, median and flat
// mean colour of pictures; column medians and modes of rows.
Result<at::Tensor> guess_constant(const Known& known, int64_t validation, const ScoreGuess& score,
                                  int64_t count);
// The constant of the input's class (mean; of rows, medians and modes). For a class without any
// known input, that of all.
at::Tensor guess_class_mean(const Known& known, const at::Tensor& labels);
// A known input of the same class, or any where there is none.
at::Tensor guess_same_class(const Known& known, const at::Tensor& labels, uint64_t seed);

// Medians of numbers and the most frequent categories of encoded rows, f32 [1, width].
at::Tensor typical_row(const InputSpace& space, const at::Tensor& rows);

}  // namespace cloister::audit
