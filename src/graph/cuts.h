// Where a model can be cut in two, and what each cut carries and divides.
#pragma once

#include "graph/exposure.h"

namespace cloister {

struct Cut {
  // "c" and the first hexadecimal digits of the SHA-256 of the names of the tensors that cross:
  // six, or more where another cut of the list begins alike. Any other start of the digest names
  // it, too.
  std::string id;
  // Data nodes before the cut; the head is Graph::nodes[first_data_node, first_data_node +
  // position).
  size_t position = 0;
  std::vector<ValueId> tensors;        // that cross, in the order in which they are made
  size_t public_tensors = 0;           // those of them that public inputs alone decide
  std::vector<ValueId> shape_tensors;  // cross too, but depend on the inputs' dimensions only
  // Not empty: the cut carries secret inputs, or what they can be had from, and this says which.
  std::string exposed_by_construction;
  // The position (as above) of the first node that uses what is so: a body that begins here and
  // ends at that position or before doesn't get it.
  size_t exposed_to = 0;

  // For one item of the batch; nothing where a type is not known.
  std::optional<uint64_t> bytes;
  std::optional<uint64_t> bytes_as_fp16;  // floating-point tensors sent as fp16
  uint64_t macs_before = 0;
  uint64_t weight_bytes_before = 0;
  uint64_t weight_bytes_after = 0;

  // Exactly one data tensor crosses, beside public ones: it dominates the outputs.
  bool is_single() const { return tensors.size() - public_tensors == 1; }
};

struct CutOptions {
  size_t max_tensors = 4;  // wider cuts are counted, not listed
  ExposureOptions exposure;
};

struct CutList {
  std::vector<Cut> cuts;        // shallow to deep
  size_t boundaries = 0;        // between data nodes, before merging
  size_t merged = 0;            // boundaries left out: they expose what a neighbour exposes
  size_t too_wide = 0;          // cuts with more than max_tensors tensors
  size_t untyped = 0;           // cuts that carry what is no tensor, or of a type that nobody knows
  uint64_t total_macs = 0;      // for one item of the batch
  bool macs_known = true;       // false: some node's are not known, and totals are lower bounds
  std::string macs_unknown_of;  // that node, the first: "Conv 'c1'"
  uint64_t total_weight_bytes = 0;

  // Share of the MACs that lie before the cut, 0 to 1.
  double macs_share(const Cut& cut) const;
};

// Every boundary along the order of the nodes, in one linear pass over the live sets. Boundaries
// between which only dimensions or the arrangement of values change (Reshape, Transpose, Shape,
// ...) are one cut, listed where it is narrowest; so are those that the same tensors cross. Graph
// outputs made before a cut do not cross it for being outputs. Needs types (infer_types) for bytes
// and MACs, and for running the first nodes (ExposureOptions::run).
CutList list_cuts(const Graph& graph, const CutOptions& options = {});

// The cut that `text` names: an id or a unique start of one, the name of its only tensor, its
// tensors' names joined by commas, or "40%": the single-tensor cut nearest to that share of the
// MACs. kUsage otherwise, with the nearest names.
Result<Cut> find_cut(const Graph& graph, const CutList& list, const std::string& text);

// The single-tensor cut, not exposed by construction, nearest to `share` of the MACs, the deepest
// of equals (behind the activation rather than before it); nothing when there is none.
const Cut* nearest_cut(const CutList& list, double share);

}  // namespace cloister
