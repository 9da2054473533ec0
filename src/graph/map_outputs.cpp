#include "graph/map_outputs.h"

#include <algorithm>

#include "graph/onnx.h"

namespace cloister {
namespace {

const onnx::NodeProto* zip_map_of(const onnx::GraphProto& graph, const std::string& output) {
  for (const auto& node : graph.node()) {
    const bool is_zip_map = node.op_type() == "ZipMap" && node.domain() == "ai.onnx.ml";
    if (is_zip_map && node.input_size() == 1 && node.output_size() == 1 &&
        node.output(0) == output) {
      return &node;
    }
  }
  return nullptr;
}

}  // namespace

Model with_tensors_for_maps(Model model, std::vector<std::string>& notes) {
  const onnx::GraphProto& graph = model.proto->graph();
  const auto is_map = [&](const auto& output) {
    return zip_map_of(graph, output.name()) != nullptr;
  };
  if (std::ranges::none_of(graph.output(), is_map)) return model;
  onnx::ModelProto proto = *model.proto;
  google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> outputs;
  for (const auto& output : graph.output()) {
    if (!is_map(output)) {
      *outputs.Add() = output;
      continue;
    }
    const std::string& tensor = zip_map_of(graph, output.name())->input(0);
    notes.push_back(fmt::format(
        "output '{}' is a list of maps (ZipMap), which is no tensor: '{}', of which it is made, is "
        "given instead",
        printable(output.name()), printable(tensor)));
    const auto is_same = [&](const auto& other) { return other.name() == tensor; };
    if (std::ranges::any_of(graph.output(), is_same)) continue;
    outputs.Add()->set_name(tensor);
  }
  proto.mutable_graph()->mutable_output()->Swap(&outputs);
  model.proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
  return model;
}

}  // namespace cloister
