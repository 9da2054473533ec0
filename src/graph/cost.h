#pragma once

#include "graph/graph.h"

namespace cloister {

// Multiply-accumulates of one node for one item of the batch: convolutions, matrix products,
// attention and recurrent layers, also in sub-graphs (inner_macs.h); everything else of the
// standard and of com.microsoft counts as zero, as is the custom when networks are compared.
// Nothing when it is not known: a type is missing, or the operator is somebody's own.
std::optional<uint64_t> node_macs(const Graph& graph, const Node& node);

// Bytes of tensor data that the node itself holds: a Constant's value, initializers of sub-graphs.
uint64_t node_constant_bytes(const Node& node);

// Elements of the floating-point initializers and Constants of rank 1 and up that the outputs
// depend on: what is trained. Running statistics of BatchNormalization are not counted, as in
// published figures.
uint64_t trainable_parameters(const Graph& graph);

}  // namespace cloister
