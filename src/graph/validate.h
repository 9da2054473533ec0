#pragma once

#include "base/error.h"

namespace onnx {
class ModelProto;
}

namespace cloister {

// Checks what cutting relies on: there is a graph with outputs; an IR version and opset imports;
// every input, initializer, node output and operator has a name; no tensor is defined twice in a
// scope; every name that is used is defined, sub-graphs included; every graph output exists.
// Operators are not checked: cutting needs the graph's shape, not their meaning. Cycles are found
// when the graph is ordered (graph.h). kInvalid, naming the first thing found wrong.
Result<> validate(const onnx::ModelProto& model);

}  // namespace cloister
