#include "graph/exposure.h"

#include <unordered_set>

#include "graph/onnx.h"

namespace cloister {
namespace {

using Names = std::unordered_set<std::string>;

// One-to-one in the elements of their first input.
const Names kRearranging = {"Identity",  "Reshape",      "Flatten",      "Squeeze", "Unsqueeze",
                            "Transpose", "SpaceToDepth", "DepthToSpace", "Dropout"};

// Carry elements of their first input on, among others or in part.
const Names kCarrying = {"Slice",  "Split",         "Gather",   "GatherElements",  "Pad",
                         "Expand", "Tile",          "GatherND", "ReverseSequence", "Neg",
                         "Cast",   "CenterCropPad", "Resize",   "Upsample",        "CastLike",
                         "Trilu",  "Compress",      "TopK",     "ScatterElements", "ScatterND"};

// The same for every one of their inputs.
const Names kJoining = {"Concat", "Where"};

// Affine in their data input when the others are constant.
const Names kAffine = {
    "Add", "Sub", "Mul", "Div", "BatchNormalization", "QuantizeLinear", "DequantizeLinear"};

// Replace each element of an input by an entry of a constant table: a substitution cipher, if the
// table is secret at all.
const Names kLookup = {"Gather"};

bool is_standard(const Node& node, const Names& names) {
  return is_onnx_domain(node.proto->domain()) && names.contains(node.proto->op_type());
}

}  // namespace

std::vector<ValueId> arrangement_roots(const Graph& graph) {
  std::vector<ValueId> roots(graph.values.size());
  for (ValueId id = 0; id < roots.size(); ++id) roots[id] = id;
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.outputs.empty() || node.inputs.empty() || !is_standard(node, kRearranging)) continue;
    // Training drops elements.
    if (node.proto->op_type() == "Dropout" && node.proto->input_size() > 2) continue;
    const ValueId from = node.inputs[0];
    // Only what a later node gets as the arrangement itself: a mask of Dropout is something else.
    if (!graph.values[from].is_constant) roots[node.outputs[0]] = roots[from];
  }
  return roots;
}

std::vector<ValueId> carried_inputs(const Graph& graph) {
  std::vector<ValueId> carried(graph.values.size(), kNone);
  for (ValueId id = 0; id < carried.size(); ++id) {
    if (graph.values[id].is_input) carried[id] = id;
  }
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.is_shape_only) continue;
    ValueId source = kNone;
    bool others_constant = true;
    for (const ValueId id : node.inputs) {
      if (carried[id] != kNone && source == kNone) {
        source = carried[id];
      } else {
        others_constant = others_constant && graph.values[id].is_constant;
      }
    }
    const bool is_data = !node.inputs.empty() && carried[node.inputs[0]] != kNone;
    const bool is_lookup = is_standard(node, kLookup) && others_constant;
    const bool carries = (is_standard(node, kRearranging) && is_data) ||
                         is_standard(node, kJoining) || (is_standard(node, kCarrying) && is_data) ||
                         (is_standard(node, kAffine) && others_constant) || is_lookup;
    if (source == kNone || !carries) continue;
    for (const ValueId id : node.outputs) carried[id] = source;
  }
  return carried;
}

}  // namespace cloister
