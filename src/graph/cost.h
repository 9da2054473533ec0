#pragma once

#include "graph/graph.h"

namespace cloister {

// Multiply-accumulates of one node for one item of the batch: convolutions, matrix products and
// recurrent layers; everything else counts as zero, as is the custom when networks are compared.
// Nothing when the node is such an operator and a type that it needs is not known.
std::optional<uint64_t> node_macs(const Graph& graph, const Node& node);

// Bytes of tensor data that the node itself holds (the value of a Constant).
uint64_t node_constant_bytes(const Node& node);

// Elements of the floating-point initializers of rank 1 and up that the outputs depend on: what is
// trained. Running statistics of BatchNormalization are not counted, as in published figures.
uint64_t trainable_parameters(const Graph& graph);

}  // namespace cloister
