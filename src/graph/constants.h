// Values of constants that decide about shapes and rounds: small ones, which a model's skeleton
// holds itself.
#pragma once

#include "graph/graph.h"
#include "graph/onnx.h"

namespace cloister {

// The initializer of that name, if its data is in the skeleton; null otherwise.
const onnx::TensorProto* small_initializer(const Graph& graph, const Value& value);

// A small initializer's value, or a Constant's; nothing for all others.
std::optional<Tensor> constant_value(const Graph& graph, const Value* value);

// One i64 of it, 0 or more.
std::optional<uint64_t> constant_scalar(const Graph& graph, const Value* value);

}  // namespace cloister
