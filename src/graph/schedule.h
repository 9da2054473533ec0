#pragma once

#include <vector>

#include "graph/graph.h"

namespace cloister {

// An order of data nodes that runs, as indices into `nodes`, which are given in such an order and
// whose values are classified. The order given is kept, but for nodes that need nothing of what
// still lies before them: they come as soon as they, or a few that belong together, leave less
// alive than there was. An input counts as two tensors, since every cut that it crosses exposes it.
// A tensor that only serves an output at the end of the file, or a skip connection that the file
// makes where it ends, then doesn't keep an input alive to the end. Near-linear in the number of
// nodes and of their inputs.
std::vector<uint32_t> narrow_order(const std::vector<Node>& nodes,
                                   const std::vector<Value>& values);

}  // namespace cloister
