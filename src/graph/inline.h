#pragma once

#include "graph/model.h"

namespace cloister {

// The model with calls of its own functions replaced by what is in them, at any depth and in
// sub-graphs too, so that their inside can be cut, typed and counted. Tensors of a function are
// named after the call's first output, then a slash. A function stays as it is, with its calls,
// where that would change its meaning (it is written for another opset, has defaults for
// attributes or overloads), where the calls go round in a circle, and where the model would become
// too large. Shares the model when there is nothing to do.
Model inline_functions(Model model);

}  // namespace cloister
