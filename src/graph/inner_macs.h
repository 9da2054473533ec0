#pragma once

#include "graph/types.h"

namespace cloister {

// Fills in Node::inner_macs of nodes with sub-graphs, from the types of the graph's values: of an
// If the costlier branch, of a Loop and a Scan the body for each round, where their number is
// known. Nothing where something that counts is not known. Called by infer_types.
void count_inner_macs(Graph& graph, const TypeProbe& probe);

}  // namespace cloister
