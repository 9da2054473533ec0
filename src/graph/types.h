#pragma once

#include <functional>
#include <map>

#include "graph/graph.h"

namespace cloister {

// What an engine found out about one output of a model.
struct ProbedType {
  std::optional<DType> dtype;                // nothing: not a tensor, or not known
  std::optional<std::vector<int64_t>> dims;  // -1: not a number
  std::vector<std::string> symbols;  // by dimension: its name where that is all that is known
  bool is_other = false;             // a sequence, a map, an optional: known to be no tensor
};

// Ways to learn the types of a model's outputs, in their order. engine/probe.h gives those of ONNX
// Runtime; graph/ itself knows no operator.
struct TypeProbe {
  // By inference, without running and without weights: large initializers are inputs of `model`.
  // May give no dimensions for a tensor of unknown rank, as for a scalar.
  std::function<Result<std::vector<ProbedType>>(const std::string& model)> infer;
  // By running the segment once on inputs of zeros. Outputs that are no tensors are an error.
  std::function<Result<std::vector<ProbedType>>(const Segment& segment)> run;
};

struct TypeOptions {
  // Values for symbolic dimensions other than the batch, by the name that the model gives them.
  std::map<std::string, int64_t> dimensions;
  // Whether `run` may be used for tensors that inference leaves open.
  bool may_run = true;
};

// Fills in the type of every value of the graph, and Node::inner_macs. A symbolic or unnamed first
// dimension of an input is the batch; another without a name is called "INPUT[AXIS]". Where
// inference does not follow the batch through the model, types are probed at a batch of 1 and of 3,
// and dimensions that triple are marked times_batch; a rank that differs is not known. Nodes that
// only take a batch of 1 leave types that hold for that, and Graph::notes says so. Dimensions that
// the inputs' values decide stay unknown, and so do tensors of which nobody knows anything (of an
// operator that the engine lacks, with nothing declared in the file); that is no error. Fails when
// `dimensions` names something that the model does not have (kUsage).
Result<> infer_types(Graph& graph, const TypeProbe& probe, const TypeOptions& options = {});

}  // namespace cloister
