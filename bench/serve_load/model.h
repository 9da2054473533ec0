// The model of a measurement, and requests to it whose answers are known.
#pragma once

#include <string>
#include <vector>

#include "engine/segments.h"
#include "graph/cuts.h"

namespace cloister::bench {

// A model file with types, and its cuts.
struct OpenedModel {
  Graph graph;
  CutList cuts;
};
Result<OpenedModel> open_model(const std::string& path);

// Inputs, and what the whole model gives for them.
struct Case {
  std::vector<NamedTensor> inputs;
  std::vector<NamedTensor> expected;
};

// `count` different inputs of `batch` items each. kInvalid when two of them have answers so much
// alike that one given for the other would count as right.
Result<std::vector<Case>> make_cases(const LoadedModel& whole, size_t count, int64_t batch,
                                     uint64_t seed, double tolerance);

// Whether `got` has each of `want`'s tensors, within `tolerance` of its largest value.
bool is_right(const std::vector<NamedTensor>& got, const std::vector<NamedTensor>& want,
              double tolerance);

}  // namespace cloister::bench
