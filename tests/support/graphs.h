#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "graph/cuts.h"
#include "graph/onnx.h"
#include "graph/zoo/builder.h"
#include "tests/support/result.h"

namespace cloister::test {

// A builder whose tensors are named by the test.
class TestGraph : public zoo::ModelBuilder {
 public:
  TestGraph() : ModelBuilder("test") {}

  // output = type(inputs...)
  std::string op(const std::string& output, const std::string& type,
                 const std::vector<std::string>& inputs,
                 const std::vector<zoo::Attr>& attributes = {}, const std::string& domain = "") {
    return add({.op = type,
                .inputs = inputs,
                .attrs = attributes,
                .name = "make " + output,
                .outputs = {output},
                .domain = domain})
        .front();
  }
  std::string f32(const std::string& name, const zoo::Dimensions& dims = {1, 4}) {
    return input(name, DType::kF32, dims);
  }
  std::string ints(const std::string& name, const std::vector<int64_t>& values) {
    return initializer(name, zoo::make_tensor<int64_t>({static_cast<int64_t>(values.size())},
                                                       std::span<const int64_t>(values)));
  }
  // Outputs whose type is f32 and whose shape is left open.
  void outputs(const std::vector<std::string>& names) {
    for (const std::string& name : names) output(name, DType::kF32);
  }

  Result<Model> model() { return make_model(finish()); }
  Graph build() { return value_of(build_graph(value_of(model()))); }
};

using Names = std::vector<std::string>;

// As many nodes in a row; each takes the one before.
inline void add_chain(TestGraph& b, std::string from, const Names& names) {
  for (const std::string& name : names) from = b.op(name, "Relu", {from});
}

// A sub-graph for If, Loop and Scan, from what `b` holds.
inline onnx::GraphProto body_of(TestGraph& b) {
  onnx::GraphProto graph = b.graph();
  b.finish();
  return graph;
}

inline std::vector<std::string> names_of(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> names;
  for (const ValueId id : ids) names.push_back(graph.values[id].name);
  return names;
}

// The tensors of each cut.
inline std::vector<std::vector<std::string>> cut_names(const Graph& graph, const CutList& list) {
  std::vector<std::vector<std::string>> names;
  for (const Cut& cut : list.cuts) names.push_back(names_of(graph, cut.tensors));
  return names;
}

}  // namespace cloister::test
