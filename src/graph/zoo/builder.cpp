#include "graph/zoo/builder.h"

#include <algorithm>

namespace cloister::zoo {
namespace {

void set_type(onnx::ValueInfoProto& value, const std::string& name, DType dtype) {
  value.set_name(name);
  value.mutable_type()->mutable_tensor_type()->set_elem_type(static_cast<int32_t>(dtype));
}

void set_dims(onnx::ValueInfoProto& value, const Dimensions& dims) {
  // Made even when there are no dims: a scalar's shape is known and empty.
  onnx::TensorShapeProto& shape = *value.mutable_type()->mutable_tensor_type()->mutable_shape();
  for (const Dimension& dim : dims) {
    if (const auto* dimension = std::get_if<int64_t>(&dim)) {
      shape.add_dim()->set_dim_value(*dimension);
    } else {
      shape.add_dim()->set_dim_param(std::get<std::string>(dim));
    }
  }
}

}  // namespace

onnx::TensorProto make_tensor(DType dtype, const Shape& shape, std::string raw_data) {
  onnx::TensorProto tensor;
  tensor.set_data_type(static_cast<int32_t>(dtype));
  tensor.mutable_dims()->Assign(shape.begin(), shape.end());
  tensor.set_raw_data(std::move(raw_data));
  return tensor;
}

Attr::Attr(std::string_view name, onnx::AttributeProto::AttributeType type) {
  proto_.set_name(std::string(name));
  proto_.set_type(type);
}

Attr::Attr(std::string_view name, std::string_view value)
    : Attr(name, onnx::AttributeProto::STRING) {
  proto_.set_s(std::string(value));
}

Attr::Attr(std::string_view name, std::initializer_list<int64_t> values)
    : Attr(name, onnx::AttributeProto::INTS) {
  proto_.mutable_ints()->Assign(values.begin(), values.end());
}

Attr::Attr(std::string_view name, const std::vector<int64_t>& values)
    : Attr(name, onnx::AttributeProto::INTS) {
  proto_.mutable_ints()->Assign(values.begin(), values.end());
}

Attr::Attr(std::string_view name, const std::vector<float>& values)
    : Attr(name, onnx::AttributeProto::FLOATS) {
  proto_.mutable_floats()->Assign(values.begin(), values.end());
}

Attr::Attr(std::string_view name, onnx::TensorProto value)
    : Attr(name, onnx::AttributeProto::TENSOR) {
  *proto_.mutable_t() = std::move(value);
}

Attr::Attr(std::string_view name, onnx::GraphProto value)
    : Attr(name, onnx::AttributeProto::GRAPH) {
  *proto_.mutable_g() = std::move(value);
}

ModelBuilder::ModelBuilder(const std::string& graph_name, uint64_t seed) : seed_(seed) {
  model_.set_ir_version(8);
  model_.set_producer_name("cloister");
  graph().set_name(graph_name);
  opset("", 17);
}

void ModelBuilder::opset(const std::string& domain, int64_t version) {
  auto& imports = *model_.mutable_opset_import();
  auto found = std::ranges::find(imports, domain, &onnx::OperatorSetIdProto::domain);
  onnx::OperatorSetIdProto& set = found == imports.end() ? *imports.Add() : *found;
  set.set_domain(domain);
  set.set_version(version);
}

std::string ModelBuilder::input(const std::string& name, DType dtype, const Dimensions& dims) {
  onnx::ValueInfoProto& value = *graph().add_input();
  set_type(value, name, dtype);
  set_dims(value, dims);
  return name;
}

void ModelBuilder::output(const std::string& value, DType dtype, const Dimensions& dims) {
  output(value, dtype);
  set_dims(*graph().mutable_output()->rbegin(), dims);
}

void ModelBuilder::output(const std::string& value, DType dtype) {
  set_type(*graph().add_output(), value, dtype);
}

std::string ModelBuilder::initializer(const std::string& name, onnx::TensorProto tensor) {
  tensor.set_name(name);
  *graph().add_initializer() = std::move(tensor);
  return name;
}

std::string ModelBuilder::random(const std::string& name, const Shape& shape, Uniform range) {
  uint64_t count = 1;
  for (const int64_t dimension : shape) count *= static_cast<uint64_t>(dimension);
  return initializer(
      name, make_tensor(DType::kF32, shape, uniform_f32(RandomStream(seed_, name), count, range)));
}

std::string ModelBuilder::node(const std::string& op, const std::vector<std::string>& inputs,
                               const std::vector<Attr>& attrs) {
  return add({.op = op, .inputs = inputs, .attrs = attrs}).front();
}

std::vector<std::string> ModelBuilder::add(const NodeSpec& spec) {
  onnx::NodeProto& node = *graph().add_node();
  node.set_op_type(spec.op);
  node.set_domain(spec.domain);
  node.set_name(spec.name.empty() ? unique_name("/" + spec.op) : spec.name);
  for (const std::string& input : spec.inputs) node.add_input(input);
  for (const Attr& attr : spec.attrs) *node.add_attribute() = attr.proto();
  std::vector<std::string> outputs = spec.outputs;
  if (outputs.empty()) {
    for (size_t i = 0; i < spec.output_count; ++i) {
      outputs.push_back(fmt::format("{}_output_{}", node.name(), i));
    }
  }
  for (const std::string& output : outputs) node.add_output(output);
  return outputs;
}

std::string ModelBuilder::rename(const std::string& value, const std::string& new_name) {
  for (onnx::NodeProto& node : *graph().mutable_node()) {
    std::ranges::replace(*node.mutable_input(), value, new_name);
    std::ranges::replace(*node.mutable_output(), value, new_name);
  }
  return new_name;
}

std::string ModelBuilder::unique_name(const std::string& name) {
  const int times_given = names_given_[name]++;
  return times_given == 0 ? name : fmt::format("{}_{}", name, times_given);
}

}  // namespace cloister::zoo
