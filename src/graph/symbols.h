// Symbolic dimensions in a model's inputs. Used by types.cpp.
#pragma once

#include <map>
#include <set>
#include <string>

#include "graph/onnx.h"

namespace cloister {

struct Symbols {
  std::set<std::string> batch;  // those of a first dimension
  std::set<std::string> all;
};

// Finds the symbols of the inputs; names in `constants` are inputs with a default and don't count.
// A dimension that has neither size nor name is given one: "batch of x", "x[2]".
Symbols name_symbols(onnx::GraphProto& graph, const std::set<std::string>& constants);

// Sizes for symbols.
using Bindings = std::map<std::string, int64_t>;

// Replaces bound symbols in the types of the inputs by their sizes.
void bind_inputs(onnx::GraphProto& graph, const Bindings& bindings);
void bind(onnx::TypeProto& type, const Bindings& bindings);

}  // namespace cloister
