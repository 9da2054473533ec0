#include "graph/type_probe.h"

#include <algorithm>
#include <set>

namespace cloister {
namespace {

void weights_as_inputs(onnx::GraphProto& graph, const std::map<std::string, Tensor>& weights) {
  std::set<std::string> inputs;
  for (const auto& input : graph.input()) inputs.insert(input.name());
  google::protobuf::RepeatedPtrField<onnx::TensorProto> kept;
  for (auto& tensor : *graph.mutable_initializer()) {
    if (!weights.contains(tensor.name())) {
      *kept.Add() = std::move(tensor);
      continue;
    }
    if (inputs.contains(tensor.name())) continue;
    auto& input = *graph.add_input();
    input.set_name(tensor.name());
    auto& type = *input.mutable_type()->mutable_tensor_type();
    type.set_elem_type(tensor.data_type());
    type.mutable_shape();
    for (const int64_t dimension : tensor.dims()) {
      type.mutable_shape()->add_dim()->set_dim_value(dimension);
    }
  }
  graph.mutable_initializer()->Swap(&kept);
}

// Declared types of inner tensors and outputs may contradict a bound batch, so they go.
void set_outputs(onnx::GraphProto& graph, const std::vector<std::string>& names) {
  graph.clear_value_info();
  graph.clear_output();
  for (const std::string& name : names) graph.add_output()->set_name(name);
}

Result<std::vector<ProbedType>> checked(Result<std::vector<ProbedType>> types, size_t wanted) {
  if (types && types->size() != wanted) {
    return fail(Kind::kInternal, "{} types probed, got {}", wanted, types->size());
  }
  return types;
}

// A tensor without dimensions is a scalar only if Shape of it is known to be empty; otherwise its
// rank is not known.
void tell_scalars(onnx::ModelProto& model, const std::vector<std::string>& names,
                  const TypeProbe& probe, std::vector<ProbedType>& types) {
  std::vector<size_t> doubtful;
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].dtype && types[i].dims && types[i].dims->empty()) doubtful.push_back(i);
  }
  if (doubtful.empty()) return;
  std::vector<std::string> shape_names;
  for (const size_t i : doubtful) {
    onnx::NodeProto& node = *model.mutable_graph()->add_node();
    node.set_op_type("Shape");
    node.add_input(names[i]);
    node.add_output(fmt::format("cloister:shape:{}", i));
    shape_names.push_back(node.output(0));
  }
  set_outputs(*model.mutable_graph(), shape_names);
  const auto shapes = checked(probe.infer(model.SerializeAsString()), doubtful.size());
  for (size_t k = 0; k < doubtful.size(); ++k) {
    const bool is_scalar = shapes && (*shapes)[k].dims == std::vector<int64_t>{0};
    if (!is_scalar) types[doubtful[k]].dims.reset();
  }
}

}  // namespace

bool is_complete(const ProbedType& type) {
  return type.dtype && type.dims && std::ranges::count(*type.dims, -1) == 0;
}

Result<std::vector<ProbedType>> infer_named(onnx::ModelProto model,
                                            const std::map<std::string, Tensor>& weights,
                                            const std::vector<std::string>& names,
                                            const TypeProbe& probe) {
  weights_as_inputs(*model.mutable_graph(), weights);
  set_outputs(*model.mutable_graph(), names);
  TRY(types, checked(probe.infer(model.SerializeAsString()), names.size()));
  tell_scalars(model, names, probe, types);
  return std::move(types);
}

Result<std::vector<ProbedType>> run_named(onnx::ModelProto model,
                                          const std::map<std::string, Tensor>& weights,
                                          const std::vector<std::string>& names,
                                          const TypeProbe& probe) {
  set_outputs(*model.mutable_graph(), names);
  const Model asked = {std::make_shared<const onnx::ModelProto>(std::move(model)), weights, {}};
  return checked(probe.run(to_segment(asked)), names.size());
}

}  // namespace cloister
