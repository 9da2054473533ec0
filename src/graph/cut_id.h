#pragma once

#include "graph/cuts.h"

namespace cloister {

// SHA-256 of the names of the tensors that cross, hexadecimal.
std::string cut_digest(const Graph& graph, const Cut& cut);

// Gives each of the cuts its id: "c" and the shortest start of its digest, of six digits or more,
// that no other of them has.
void name_cuts(const Graph& graph, std::vector<Cut>& cuts);

// The names of the cut's data tensors, joined by commas.
std::string tensor_names(const Graph& graph, const Cut& cut);

}  // namespace cloister
