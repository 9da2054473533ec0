#pragma once

#include <map>

#include "graph/model.h"

namespace cloister {

// The model with those sizes of its inputs' free dimensions fixed, by their names ("tokens"), or
// where they have none by their places ("x[2]"), as TypeOptions::dimensions has them: what is made
// of it takes inputs of these sizes only. The file's digest stays.
Model with_input_sizes(Model model, const std::map<std::string, int64_t>& sizes);

}  // namespace cloister
