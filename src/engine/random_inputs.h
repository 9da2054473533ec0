#pragma once

#include "engine/engine.h"

namespace cloister {

// A pseudo-random tensor for each port, seeded with `seed` and its index; extents that are not
// fixed are `batch` where they come first and 1 elsewhere.
Result<std::vector<NamedTensor>> random_inputs(const std::vector<Port>& ports, int64_t batch,
                                               uint64_t seed);

}  // namespace cloister
