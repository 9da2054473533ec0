#pragma once

#include "graph/graph.h"

namespace cloister {

// The name of the dimension that make_batch_symbolic introduces.
inline constexpr char kBatchSymbol[] = "N";

// A copy of the model whose inputs' first dimension, 1 in the file, is symbolic. Constant shapes of
// Reshape nodes that begin with 1 are made to follow their input. Whether the model then really
// treats items apart must be checked by running it (engine/check_batch.h). kUnsupported, naming
// the input, when one has no first dimension of 1.
Result<Model> make_batch_symbolic(const Graph& graph);

}  // namespace cloister
