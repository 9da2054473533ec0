#pragma once

#include "engine/engine.h"

namespace cloister {

// Checks that `symbolic` treats the items of a batch apart: three seeded random items, run at once
// through it, must give what each gives alone through `fixed` (whose batch is 1), to 1e-4 of the
// largest value. kUnsupported, naming the output, otherwise.
Result<> check_batch(Engine& engine, const Segment& fixed, const Segment& symbolic);

}  // namespace cloister
