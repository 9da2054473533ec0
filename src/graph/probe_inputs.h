// Inputs that a model is run on to see which of its tensors' elements depend on which of theirs.
#pragma once

#include <map>
#include <set>

#include "graph/graph.h"

namespace cloister {

// Inputs whose elements are numbered together: one, or integer inputs of one shape, whose elements
// at one place have one number.
struct ProbeGroup {
  std::vector<ValueId> inputs;
  uint64_t elements = 0;  // numbers
  size_t digits = 0;      // binary digits that are looked at, of the number or of a hash of it
  size_t first_run = 0;   // that changes elements whose first digit is 0; then those with a 1, ...

  size_t run(size_t digit, bool one) const { return first_run + 2 * digit + (one ? 1 : 0); }
  size_t end_run() const { return first_run + 2 * digits; }
  // How many numbers differ in the digits that are looked at.
  uint64_t codes() const { return std::min(elements, uint64_t{1} << digits); }
};

// Plain data. Runs 0 and 1 are the same; in each of the others, elements of one group are changed.
struct ProbeInputs {
  std::vector<ProbeGroup> groups;
  std::vector<std::map<ValueId, Tensor>> runs;
};

// For one item of the batch, and 8 for any other dimension that is not known. Floating-point values
// lie between 0 and 1, integers are 1 and become 0. Public inputs, and inputs of a group beyond the
// 12th, never change. Inputs of other types, and very large ones, are left out. Seeded; the same
// each time.
ProbeInputs make_probe_inputs(const Graph& graph, const std::set<ValueId>& public_inputs);

}  // namespace cloister
