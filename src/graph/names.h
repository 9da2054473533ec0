// Names of tensors in all scopes of a model, sub-graphs included. For graph/ sources.
#pragma once

#include <unordered_set>

#include "graph/onnx.h"

namespace cloister {

// Adds every name that the graph or a sub-graph defines or uses.
void collect_names(const onnx::GraphProto& graph, std::unordered_set<std::string>& names);

// Has the node use `to` wherever it uses `from`: as an input, or captured by its sub-graphs, where
// they do not define a `from` of their own. `to` must be new to the model.
void rename_uses(onnx::NodeProto& node, const std::string& from, const std::string& to);

// The same for the graph's inputs, outputs, initializers and declarations.
void rename_definition(onnx::GraphProto& graph, const std::string& from, const std::string& to);

}  // namespace cloister
