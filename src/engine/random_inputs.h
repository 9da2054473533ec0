#pragma once

#include "engine/engine.h"

namespace cloister {

// A pseudo-random tensor for each spec, seeded with `seed` and its index; dimensions that are not
// fixed are `batch` where they come first and 1 elsewhere.
Result<std::vector<NamedTensor>> random_inputs(const std::vector<TensorSpec>& specs, int64_t batch,
                                               uint64_t seed);

}  // namespace cloister
