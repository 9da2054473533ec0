// Which cuts an audit attacks.
#pragma once

#include "graph/cuts.h"

namespace cloister::audit {

// Positions in list.cuts, ascending. `texts`: "auto" alone (a handful, spread over the network by
// its share of the work), "all" alone, or what find_cut() takes. kUsage for a cut that is not
// there.
Result<std::vector<size_t>> choose_cuts(const Graph& graph, const CutList& list,
                                        const std::vector<std::string>& texts);

// The shallowest cut that does not carry an input by construction: the one that the positive
// control attacks. Nothing when there is none.
std::optional<size_t> shallowest_cut(const CutList& list);

// Between the deepest cut whose leakage is above `threshold` and the next one attacked: the cut
// half way, if there is one left. `attacked` ascending, one value each.
std::optional<size_t> refine_cuts(const CutList& list, const std::vector<size_t>& attacked,
                                  const std::vector<double>& leakage, double threshold);

}  // namespace cloister::audit
