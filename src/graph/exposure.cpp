#include "graph/exposure.h"

#include <unordered_set>

#include "graph/onnx.h"

namespace cloister {
namespace {

using Names = std::unordered_set<std::string>;

// One-to-one in the elements of their first input.
const Names kRearranging = {"Identity",  "Reshape",      "Flatten",      "Squeeze", "Unsqueeze",
                            "Transpose", "SpaceToDepth", "DepthToSpace", "Dropout"};

// Carry elements of their first input on, among others or in part; a scale that all of them decide
// goes with what is quantised by it.
const Names kCarrying = {"Slice",         "Split",    "Gather",   "GatherElements",
                         "Pad",           "Expand",   "Tile",     "GatherND",
                         "Neg",           "Cast",     "CastLike", "ReverseSequence",
                         "CenterCropPad", "Resize",   "Upsample", "DynamicQuantizeLinear",
                         "Trilu",         "Compress", "TopK"};

// The same for every one of their inputs.
const Names kJoining = {"Concat", "Where", "ScatterElements", "ScatterND", "Scatter"};

// Affine in their data input when the others are constant.
const Names kAffine = {
    "Add", "Sub", "Mul", "Div", "BatchNormalization", "QuantizeLinear", "DequantizeLinear"};

// Replace each element of an input by an entry of a constant table: a substitution cipher, if the
// table is secret at all.
const Names kLookup = {"Gather"};

// The same in the domain of tables, whose strings are not measured.
const Names kTableEncoders = {"ArrayFeatureExtractor", "Binarizer",         "CastMap",
                              "CategoryMapper",        "FeatureVectorizer", "Imputer",
                              "LabelEncoder",          "OneHotEncoder",     "Scaler"};

bool is_standard(const Node& node, const Names& names) {
  return is_onnx_domain(node.proto->domain()) && names.contains(node.proto->op_type());
}

// What output `slot` of the node carries, for what is known of its operator.
std::vector<ValueId> carried_by_operator(const Graph& graph, const Node& node, size_t slot,
                                         const CarriedInputs& carried) {
  // Scales and zero points, indices, masks.
  if (slot > 0 && node.proto->op_type() != "Split") return {};
  const bool is_table =
      node.proto->domain() == "ai.onnx.ml" && kTableEncoders.contains(node.proto->op_type());
  size_t carriers = 0;
  bool others_constant = true;
  for (const ValueId id : node.inputs) {
    if (carried[id].empty()) {
      others_constant = others_constant && graph.values[id].is_constant;
    } else {
      ++carriers;
    }
  }
  others_constant = others_constant && carriers == 1;
  const bool is_map = is_standard(node, kAffine) || is_standard(node, kLookup);
  std::vector<ValueId> from;
  if (is_standard(node, kJoining) || is_table || (is_map && others_constant)) {
    from = node.inputs;
  } else if (is_standard(node, kRearranging) || is_standard(node, kCarrying)) {
    if (!node.inputs.empty()) from = {node.inputs[0]};
  }
  std::vector<ValueId> inputs;
  for (const ValueId id : from) add_carried(inputs, carried[id]);
  return inputs;
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

CarriedInputs carried_inputs(const Graph& graph, const ExposureOptions& options) {
  CarriedInputs carried(graph.values.size());
  for (ValueId id = 0; id < carried.size(); ++id) {
    if (graph.values[id].is_input && !options.public_inputs.contains(id)) carried[id] = {id};
  }
  const auto known = [&](const Node& node, size_t slot) {
    return carried_by_operator(graph, node, slot, carried);
  };
  if (options.run) {
    measure_carried(graph, options.public_inputs, options.run, known, carried);
    return carried;
  }
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.is_shape_only) continue;
    for (size_t slot = 0; slot < node.outputs.size(); ++slot) {
      carried[node.outputs[slot]] = known(node, slot);
    }
  }
  return carried;
}

}  // namespace cloister
