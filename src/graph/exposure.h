#pragma once

#include "graph/graph.h"

namespace cloister {

// For each value (by ValueId): the value that it is a mere rearrangement of, followed to the end;
// itself where there is none. Reshape, Transpose and their like keep every element, so two values
// with the same root carry the same information.
std::vector<ValueId> arrangement_roots(const Graph& graph);

// For each value: the model input whose elements it carries (rearranged, picked out, padded,
// widened, put through an affine map with constant factors, or looked up in a constant table), or
// kNone. Conservative: a part of an input counts.
std::vector<ValueId> carried_inputs(const Graph& graph);

}  // namespace cloister
