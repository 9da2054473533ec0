// Which tensors can be undone element by element, found by running the first nodes of a model.
#pragma once

#include <functional>
#include <set>

#include "graph/graph.h"
#include "tensor/segment.h"

namespace cloister {

// For each value (by ValueId): model inputs, ascending and few. Empty: none.
using CarriedInputs = std::vector<std::vector<ValueId>>;
inline constexpr size_t kMostCarried = 8;  // of one value; more say nothing more

// Adds to what a value carries, once each, as far as there is room.
void add_carried(std::vector<ValueId>& carried, const std::vector<ValueId>& more);

// Runs a piece of a model on each of these sets of inputs, by name, and gives each run's outputs in
// the segment's order.
using PieceRunner = std::function<Result<std::vector<std::vector<Tensor>>>(
    const Segment& piece, const std::vector<std::map<std::string, Tensor>>& runs)>;

// What output `slot` of a node carries for what operators of its kind do, from the list as it is.
using KnownCarriers = std::function<std::vector<ValueId>(const Node& node, size_t slot)>;

// Adds the inputs that measuring finds to those that are known already.
//
// An element that depends on one element of an input can be looked up in a table of that element's
// values, whatever computes it, so a tensor carries an input if elements that depend on a single
// one are at least a quarter of it and cover at least a quarter of that input. Integer inputs of
// one shape count as one: their elements at one place are a token, its type and its position. To
// see what depends on what, the input's elements are numbered and, for each binary digit of the
// number, those with a 0 and then those with a 1 are changed; what changes both times depends on
// several. Values of large inputs only trade places within a channel, so that statistics of all of
// it (a mean, a scale of a quantiser) stay and hide nothing.
//
// Only nodes are run whose inputs were found to carry one, or are cheap functions of inputs. A
// piece that does not run (an operator that the engine lacks, sizes that do not fit) is left
// unmeasured, and so is what the limits on work and memory leave out. Not thread-safe: runs.
void measure_carried(const Graph& graph, const std::set<ValueId>& public_inputs,
                     const PieceRunner& run, const KnownCarriers& known, CarriedInputs& carried);

}  // namespace cloister
