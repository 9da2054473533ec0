// What tests of edited models share: ONNX Runtime, which says what they compute, and fragments.
#pragma once

#include "engine/onnxruntime.h"
#include "engine/random_inputs.h"
#include "graph/edit.h"
#include "graph/validate.h"
#include "tensor/compare.h"
#include "tests/support/graphs.h"

namespace cloister::test {

// --- the oracle

using Outputs = std::map<std::string, Tensor>;

// Of inputs by place, so that models whose inputs were renamed get the same.
inline Outputs run(const Model& model, int64_t batch = 2) {
  const auto engine = value_of(make_onnxruntime({.optimize = false}));
  const auto program = value_of(engine->load(to_segment(model)));
  const auto inputs = value_of(random_inputs(program->inputs(), batch, 7));
  std::vector<TensorView> views;
  for (const NamedTensor& input : inputs) views.push_back(input.tensor.view());
  const auto tensors = value_of(program->run(views));
  Outputs out;
  for (size_t i = 0; i < tensors.size(); ++i) out.emplace(program->outputs()[i].name, tensors[i]);
  return out;
}

// Bit for bit, unless a relative difference is allowed.
inline void expect_same(const Tensor& got, const Tensor& want, const std::string& name,
                        double allowed = 0) {
  const auto difference = compare(got.view(), want.view());
  ASSERT_TRUE(difference) << name << ": " << difference.error().message;
  EXPECT_TRUE(difference->identical || difference->relative() < allowed)
      << name << ": " << difference->relative();
}

inline void expect_same(const Outputs& got, const Outputs& want, double allowed = 0) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    ASSERT_TRUE(got.contains(name)) << name;
    expect_same(got.at(name), tensor, name, allowed);
  }
}

inline std::vector<float> floats(const Outputs& outputs, const std::string& name) {
  const auto values = outputs.at(name).as<float>();
  return {values.begin(), values.end()};
}

// --- fragments

inline onnx::NodeProto node(const std::string& op, const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs) {
  onnx::NodeProto out;
  out.set_op_type(op);
  for (const std::string& input : inputs) out.add_input(input);
  for (const std::string& output : outputs) out.add_output(output);
  return out;
}

inline Fragment single(const std::string& op) {
  return {{node(op, {"in"}, {"out"})}, {}, {"in"}, {"out"}};
}

inline Tensor scalar(float value) {
  return value_of(Tensor::copy_of(DType::kF32, {}, std::as_bytes(std::span(&value, 1))));
}

// y = x * factor + term; its inner names are such as models have, too.
inline Fragment affine(float factor, float term) {
  return {{node("Mul", {"x", "factor"}, {"y"}), node("Add", {"y", "term"}, {"out"})},
          {{"factor", scalar(factor)}, {"term", scalar(term)}},
          {"x"},
          {"out"}};
}

inline GraphEdit edit_of(const Graph& graph) {
  return value_of(GraphEdit::make(graph));
}

inline Model finished(GraphEdit edit) {
  Model model = value_of(std::move(edit).finish());
  EXPECT_TRUE(validate(*model.proto));
  EXPECT_TRUE(build_graph(model));
  return model;
}

inline ValueId id(const Graph& graph, const std::string& name) {
  return graph.ids.at(name);
}

// x -> a = -x -> y = Relu(a); `e` = Tanh(a) is an output, too, and so is a.
inline TestGraph network() {
  TestGraph b;
  b.f32("x", {2, 3});
  b.op("a", "Neg", {"x"});
  b.op("y", "Relu", {"a"});
  b.op("e", "Tanh", {"a"});
  b.outputs({"y", "e", "a"});
  return b;
}

}  // namespace cloister::test
