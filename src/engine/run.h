#pragma once

#include "engine/engine.h"

namespace cloister {

// Runs the segments of one model in order. Each takes its inputs by name from the model's inputs
// and from what earlier segments gave; `outputs` names what is wanted in the end. kInvalid for
// inputs that do not fit or are missing.
Result<std::vector<NamedTensor>> run_segments(const std::vector<std::unique_ptr<Program>>& segments,
                                              const std::vector<NamedTensor>& inputs,
                                              const std::vector<std::string>& outputs);

}  // namespace cloister
