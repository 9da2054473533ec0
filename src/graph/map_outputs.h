#pragma once

#include "graph/model.h"

namespace cloister {

// The model with tensors for outputs that are lists of maps, as scikit-learn's converters write
// them: in place of what a ZipMap makes its input is an output, under its own name. Adds a sentence
// to `notes` for each.
Model with_tensors_for_maps(Model model, std::vector<std::string>& notes);

}  // namespace cloister
