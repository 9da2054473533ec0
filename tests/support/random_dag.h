#pragma once

#include <random>
#include <set>

#include "tests/support/graphs.h"

namespace cloister::test {

// A random model of float operators that ONNX Runtime has, all on [2,16]: shared weights, Constant
// nodes, constant sub-expressions, If with captures, arrangements, dimensions. Every tensor that
// nothing uses is an output, and a few others are, too.
class RandomDag {
 public:
  explicit RandomDag(uint32_t seed) : random_(seed) {}

  onnx::ModelProto make(int steps) {
    values_.push_back(b_.f32("x", {2, 16}));
    if (below(2) == 0) values_.push_back(b_.f32("x2", {2, 16}));
    b_.input("cond", DType::kBool, {});
    for (int i = 0; i < 3; ++i) b_.random("w" + std::to_string(i), {16, 16});
    b_.random("wide", {32, 16});
    b_.random("bias", {16});
    b_.op("constant", "Constant", {}, {{"value", zoo::make_tensor<float>({1}, {0.5F})}});
    b_.op("folded", "Add", {"bias", "constant"});
    for (int i = 0; i < steps; ++i) values_.push_back(step());
    add_outputs();
    return b_.finish();
  }

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  // Mostly recent values, so that graphs grow deep.
  std::string any() {
    const auto n = static_cast<uint32_t>(values_.size());
    return values_[below(3) == 0 ? below(n) : n - 1 - below(std::min<uint32_t>(n, 3))];
  }
  std::string weight() { return "w" + std::to_string(below(3)); }

  std::string add(const std::string& type, const std::vector<std::string>& inputs,
                  const std::vector<zoo::Attr>& attributes = {}) {
    return b_.op("t" + std::to_string(count_++), type, inputs, attributes);
  }

  std::string branch_node() {
    const auto branch = [&](const std::string& type, const std::string& a, const std::string& c) {
      TestGraph body;
      const std::string out = "t" + std::to_string(count_++);
      body.op(out + "_", type, {a, c});
      body.op(out, "Tanh", {out + "_"});
      body.output(out, DType::kF32, {2, 16});
      return body_of(body);
    };
    std::string condition = "cond";
    if (below(2) == 0) {
      const std::string sum = add("ReduceSum", {any()}, {{"keepdims", 0}});
      condition = add("Greater", {sum, b_.unique_name("zero")});
      b_.initializer(b_.graph().node().rbegin()->input(1), zoo::make_tensor<float>({}, {0.0F}));
    }
    const auto then_branch = branch("Add", any(), "folded");
    const auto else_branch = branch("MatMul", any(), weight());
    return add("If", {condition}, {{"then_branch", then_branch}, {"else_branch", else_branch}});
  }

  std::string step() {
    switch (below(12)) {
      case 0:
        return add("Relu", {any()});
      case 1:
        return add("Add", {any(), any()});
      case 2:
        return add("Mul", {any(), any()});
      case 3:
      case 4:
        return add("MatMul", {any(), weight()});
      case 5:
        return add("MatMul", {add("Concat", {any(), any()}, {{"axis", 1}}), "wide"});
      case 6:
        return add("Add", {any(), below(2) == 0 ? "constant" : "folded"});
      case 7:
        return branch_node();
      case 8:
        return add("Transpose", {add("Relu", {add("Transpose", {any()})})});
      case 9:
        return add("Reshape", {any(), add("Shape", {any()})});
      case 10: {
        const std::string half = add("Split", {any()}, {{"axis", 1}});
        auto& node = *b_.graph().mutable_node()->rbegin();
        node.add_output(half + "b");
        return add("Concat", {half + "b", half}, {{"axis", 1}});
      }
      default:
        return add("Tanh", {any()});
    }
  }

  void add_outputs() {
    std::set<std::string> used;
    for (const auto& node : b_.graph().node()) {
      for (const std::string& name : used_names(node)) used.insert(name);
    }
    for (const std::string& name : values_) {
      if (name[0] != 't') continue;
      if (!used.contains(name) || below(8) == 0) b_.output(name, DType::kF32, {2, 16});
    }
  }

  std::mt19937 random_;
  TestGraph b_;
  std::vector<std::string> values_;
  int count_ = 0;
};

}  // namespace cloister::test
