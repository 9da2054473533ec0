#pragma once

#include "tee/transform.h"

namespace cloister::serving {

struct RecomputeOptions {
  double rate = 0;           // share of batches whose segment is computed again inside
  double tolerance = 1e-3;   // largest difference, as a share of the item's largest value
  bool has_batches = false;  // a free first dimension counts items, which are compared one by one
};

// Tensors cross as they are; some results are compared with the segment's own, computed inside.
// Which ones is a secret draw. What was computed is the answer, whatever the worker said. `specs`
// gives the order of tensors, and has the program's names (check_program of steps.h).
std::unique_ptr<SegmentTransform> sampled_recompute(std::unique_ptr<Program> segment,
                                                    const TensorSpecs& specs,
                                                    const RecomputeOptions& options);

}  // namespace cloister::serving
