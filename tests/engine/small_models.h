// Small models written as ONNX text, for the engine's tests.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "graph/onnx.h"
#include "graph/weights.h"

namespace cloister::test {

inline void declare(const TensorSpec& spec, onnx::ValueInfoProto& info) {
  info.set_name(spec.name);
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(static_cast<int32_t>(spec.dtype));
  type.mutable_shape();
  for (const int64_t dimension : spec.dims) {
    auto& dim = *type.mutable_shape()->add_dim();
    if (dimension < 0) {
      dim.set_dim_param("N");
    } else {
      dim.set_dim_value(dimension);
    }
  }
}

// A segment of `nodes`, the text of NodeProtos (`node { op_type: 'Relu' ... }`). `weights` are
// initializers handed over in memory.
inline Segment small_segment(const std::vector<TensorSpec>& inputs, const std::string& nodes,
                             const std::vector<TensorSpec>& outputs,
                             const std::vector<NamedTensor>& weights = {}, int opset = 17) {
  onnx::ModelProto model;
  if (!google::protobuf::TextFormat::ParseFromString(nodes, model.mutable_graph())) {
    ADD_FAILURE() << "not text of a graph: " << nodes;
  }
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  for (const auto& each : model.graph().node()) {
    if (each.domain().empty()) continue;
    onnx::OperatorSetIdProto& import = *model.add_opset_import();
    import.set_domain(each.domain());
    import.set_version(1);
  }
  model.mutable_graph()->set_name("small");
  for (const TensorSpec& spec : inputs) declare(spec, *model.mutable_graph()->add_input());
  for (const TensorSpec& spec : outputs) declare(spec, *model.mutable_graph()->add_output());
  for (const NamedTensor& weight : weights) {
    onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(weight.name);
    tensor.set_data_type(static_cast<int32_t>(weight.tensor.dtype()));
    for (const int64_t dimension : weight.tensor.shape()) tensor.add_dims(dimension);
    mark_external(tensor, "weights", 0, weight.tensor.data().size());
  }
  return {model.SerializeAsString(), weights};
}

// The node OP(inputs) -> output as text.
inline std::string node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::string& output, const std::string& more = "") {
  std::string text = "node { op_type: '" + op + "' ";
  for (const std::string& input : inputs) text += "input: '" + input + "' ";
  return text + "output: '" + output + "' " + more + "} ";
}

template <typename T>
Tensor tensor_of(DType dtype, Shape shape, const std::vector<T>& values) {
  return *Tensor::copy_of(
      dtype, std::move(shape),
      {reinterpret_cast<const std::byte*>(values.data()), values.size() * sizeof(T)});
}

inline Tensor floats(Shape shape, const std::vector<float>& values) {
  return tensor_of(DType::kF32, std::move(shape), values);
}

template <typename T>
std::vector<T> values(const Tensor& tensor) {
  return {tensor.as<T>().begin(), tensor.as<T>().end()};
}

// f32 of a repeatable pattern between -1 and 1.
inline Tensor pattern(Shape shape) {
  Tensor tensor = *Tensor::make(DType::kF32, std::move(shape));
  uint32_t state = 12345;
  for (float& x : tensor.mutable_as<float>()) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
  }
  return tensor;
}

}  // namespace cloister::test
