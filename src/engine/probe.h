#pragma once

#include "graph/dependence.h"
#include "graph/types.h"

namespace cloister {

// Types as ONNX Runtime sees them: `infer` is its shape inference when a session is made from a
// model without weights, `run` one run on zeros. Both on one thread, without optimisation.
TypeProbe onnxruntime_probe();

// Runs pieces of a model with ONNX Runtime, on one thread, without optimisation.
PieceRunner onnxruntime_piece_runner();

}  // namespace cloister
