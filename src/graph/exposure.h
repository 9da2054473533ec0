#pragma once

#include "graph/dependence.h"

namespace cloister {

// For each value (by ValueId): the value that it is a mere rearrangement of, followed to the end;
// itself where there is none. Reshape, Transpose and their like keep every element, so two values
// with the same root carry the same information.
std::vector<ValueId> arrangement_roots(const Graph& graph);

struct ExposureOptions {
  std::set<ValueId> public_inputs;  // no secret, so that carrying them exposes nothing
  PieceRunner run;                  // null: only what is known of operators decides
};

// For each value: the model inputs whose elements it carries. Rearranged, picked out, padded,
// joined, put through an affine map with constant factors, or looked up in a constant table: that
// operators say, and a part of an input counts. With a runner, whatever computes it: each element
// of it on one element of the input, or of a token (dependence.h).
CarriedInputs carried_inputs(const Graph& graph, const ExposureOptions& options = {});

}  // namespace cloister
