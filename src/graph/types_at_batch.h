// The types of a graph's values at one size of the batch. Used by types.cpp.
#pragma once

#include "graph/types.h"

namespace cloister {

struct TypesAtBatch {
  std::vector<ProbedType> types;  // by ValueId
  std::optional<Error> failure;   // of the first node that does not take what it gets
  size_t runs = 0;                // nodes that were run
};

// From the types of inputs and initializers in `declared` (by ValueId; others are what the file
// says), node after node: what the engine infers and, where that leaves something open and
// `may_run`, what one run of that very node on zeros shows. A node that the engine lacks or refuses
// has the declared types, and all others are found nevertheless. Overwrites the types of the
// graph's values.
TypesAtBatch types_at_batch(Graph& graph, const TypeProbe& probe,
                            const std::vector<ProbedType>& declared, bool may_run);

}  // namespace cloister
