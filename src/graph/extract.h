#pragma once

#include "graph/cuts.h"

namespace onnx {
class TypeProto;
}

namespace cloister {

// The data nodes [begin, end) of a graph as a model of its own.
struct Range {
  size_t begin = 0;
  size_t end = 0;
};

// Extracts a segment as a valid ONNX model. Its inputs are what its nodes use and others make (or
// the caller gives), its outputs what later nodes or the caller get from it; constants that it
// needs are made in it again, and only its own weights are in it. Names, opset imports, metadata,
// model-local functions and unknown fields are kept. A tensor that both precedes and follows a
// segment without being used in it does not pass through it: run_segments (engine/run.h) routes it.
// kUnsupported when the type of a tensor on its border is not known; with `untyped_outputs` that is
// no error for outputs, which are then only named (not valid ONNX, but what infer_types asks
// about).
Result<Model> extract(const Graph& graph, Range range, bool untyped_outputs = false);

// These data nodes, ascending, as a model whose outputs are all that they make; otherwise as above,
// with untyped outputs. For probes.
Result<Model> extract_nodes(const Graph& graph, std::vector<uint32_t> nodes);

// The whole graph (all of its inputs kept, but defaults that nothing uses), written anew: what its
// outputs depend on.
Result<Model> extract_whole(const Graph& graph);

// The segments between the start, the given cuts (shallow to deep, else kUsage) and the end: head,
// body, and tail when there are two cuts.
Result<std::vector<Model>> split(const Graph& graph, const std::vector<Cut>& cuts);

// Declares a type whose `dtype` is known, in place of what was declared. Dimensions that are not
// known, or several times the batch, are left open.
void set_type(const Graph& graph, const TensorType& type, onnx::TypeProto& proto);

}  // namespace cloister
