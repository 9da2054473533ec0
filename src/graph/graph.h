// The model's data flow: which node makes and uses which tensor, in an order that runs.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/model.h"

namespace onnx {
class NodeProto;
}

namespace cloister {

// One dimension of a tensor. In a model with a symbolic batch, a dimension that grows with it is
// `size` times the batch.
struct Dim {
  int64_t size = -1;  // -1: not known
  bool times_batch = false;

  bool operator==(const Dim&) const = default;
};

struct TensorType {
  std::optional<DType> dtype;            // nothing: not a tensor, or not known
  std::optional<std::vector<Dim>> dims;  // nothing: not even the rank is known

  // "f32[N,64,56,56]", "f32[?,8]", "f32[...]", "?"; with names for what is not known, by dimension,
  // "f32[tokens,8]".
  std::string text(const std::vector<std::string>& names = {}) const;
  // Elements and bytes for one item of the batch; nothing when a dimension is not known.
  std::optional<uint64_t> elements() const;
  std::optional<uint64_t> bytes() const;
};

using ValueId = uint32_t;
inline constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

// A named tensor of the graph's outermost scope.
struct Value {
  std::string name;
  uint32_t producer = kNone;  // index of the node that makes it; kNone for inputs and initializers
  bool is_input = false;
  bool is_output = false;
  // Does not depend on any input: an initializer, or computed from initializers only. Whoever
  // needs it makes it again; it never crosses a cut.
  bool is_constant = false;
  // Depends on the inputs' dimensions, not on their values.
  bool is_shape_only = false;
  // Its dimensions may depend on the inputs' values, not only on their dimensions.
  bool has_varying_dimensions = false;
  TensorType type;  // filled by infer_types
};

struct Node {
  const onnx::NodeProto* proto;  // owned by Graph::model
  std::vector<ValueId> inputs;   // inputs, and what sub-graphs capture, without repetition
  std::vector<ValueId> outputs;
  bool is_constant = false;
  bool is_shape_only = false;
  // Of its sub-graphs, for one item of the batch; nothing: not known. Filled by infer_types.
  std::optional<uint64_t> inner_macs;
};

// What segments call the batch at their border when the model's inputs have several names for it.
inline constexpr char kBatchName[] = "batch";

// Plain data; read-only once built. Only what the outputs depend on is in it.
struct Graph {
  Model model;
  std::vector<Value> values;
  std::vector<Node> nodes;       // in an order that runs; constant nodes first
  uint32_t first_data_node = 0;  // nodes from here on depend on an input or on chance
  std::vector<ValueId> inputs;   // in the model's order; those with a default are constants
  std::vector<ValueId> outputs;
  std::unordered_map<std::string, ValueId> ids;
  std::vector<std::string> batch_symbols;  // names of the dimensions that are the batch
  // The rest is filled by infer_types.
  std::vector<std::string> free_symbols;  // names of other dimensions that have no size
  std::vector<std::string> notes;         // what a user should know about the types
  bool is_typed = false;

  const Value* find(const std::string& name) const;
  // The value of input `i` of the node, or nothing for an optional one that is left out.
  const Value* input(const Node& node, int i) const;
  size_t data_nodes() const { return nodes.size() - first_data_node; }
};

// Puts the model's own functions in place of their calls (inline.h), then orders and classifies the
// nodes: near-linear in their number. The file's own order is kept where it runs, but for nodes
// that can be moved to where they keep fewer tensors alive (schedule.h). kInvalid when the nodes
// form a cycle (one on it is named).
Result<Graph> build_graph(Model model);

}  // namespace cloister
