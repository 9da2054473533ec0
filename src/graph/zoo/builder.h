// Builds ONNX models in code: the zoo's networks, and the small graphs that tests need.
//
//   ModelBuilder b("classifier");
//   const auto x = b.input("x", DType::kF32, {"N", 4});
//   const auto w = b.random("fc.weight", {8, 4}, {.radius = 0.5f});
//   const auto y = b.node("Gemm", {x, w}, {{"transB", 1}});
//   b.output(y, DType::kF32, {"N", 8});
//   const onnx::ModelProto model = b.finish();
//
// Values go by their names, as in ONNX. Nothing is checked here: what was said is what is built, so
// that a test can build a wrong model too. make_model() checks.
#pragma once

#include <onnx/onnx_pb.h>

#include <concepts>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "graph/zoo/random.h"
#include "tensor/tensor.h"

namespace cloister::zoo {

// An dimension: a number, or the name of one that only a running model knows ("N").
using Dimension = std::variant<int64_t, std::string>;
using Dimensions = std::vector<Dimension>;

template <typename T>
constexpr DType dtype_of() {
  if constexpr (std::same_as<T, float>) return DType::kF32;
  if constexpr (std::same_as<T, double>) return DType::kF64;
  if constexpr (std::same_as<T, bool>) return DType::kBool;
  if constexpr (std::same_as<T, int8_t>) return DType::kI8;
  if constexpr (std::same_as<T, uint8_t>) return DType::kU8;
  if constexpr (std::same_as<T, int16_t>) return DType::kI16;
  if constexpr (std::same_as<T, uint16_t>) return DType::kU16;
  if constexpr (std::same_as<T, int32_t>) return DType::kI32;
  if constexpr (std::same_as<T, uint32_t>) return DType::kU32;
  if constexpr (std::same_as<T, int64_t>) return DType::kI64;
  if constexpr (std::same_as<T, uint64_t>) return DType::kU64;
}

// A tensor with its values in raw_data and no name.
onnx::TensorProto make_tensor(DType dtype, const Shape& shape, std::string raw_data);

// The same from values: make_tensor<int64_t>({3}, {0, -1, 128}).
template <typename T>
onnx::TensorProto make_tensor(const Shape& shape, std::span<const T> values) {
  return make_tensor(dtype_of<T>(), shape, std::string(as_text(std::as_bytes(values))));
}
template <typename T>
onnx::TensorProto make_tensor(const Shape& shape, std::initializer_list<T> values) {
  return make_tensor<T>(shape, std::span<const T>(values.begin(), values.size()));
}

// An attribute of a node: {"group", 32}, {"epsilon", 1e-5}, {"mode", "linear"},
// {"strides", {2, 2}}, {"value", tensor}, {"body", graph}.
class Attr {
 public:
  template <std::integral T>
  Attr(std::string_view name, T value) : Attr(name, onnx::AttributeProto::INT) {
    proto_.set_i(static_cast<int64_t>(value));
  }
  template <std::floating_point T>
  Attr(std::string_view name, T value) : Attr(name, onnx::AttributeProto::FLOAT) {
    proto_.set_f(static_cast<float>(value));
  }
  Attr(std::string_view name, std::string_view value);
  Attr(std::string_view name, std::initializer_list<int64_t> values);
  Attr(std::string_view name, const std::vector<int64_t>& values);
  Attr(std::string_view name, const std::vector<float>& values);
  Attr(std::string_view name, onnx::TensorProto value);
  Attr(std::string_view name, onnx::GraphProto value);

  const onnx::AttributeProto& proto() const { return proto_; }

 private:
  Attr(std::string_view name, onnx::AttributeProto::AttributeType type);

  onnx::AttributeProto proto_;
};

// A node in full; ModelBuilder::node() covers the usual ones.
struct NodeSpec {
  std::string op;
  std::vector<std::string> inputs = {};  // "" leaves an optional input out
  std::vector<Attr> attrs = {};
  std::string name = {};                  // empty: "/<op>", numbered when that is taken
  std::vector<std::string> outputs = {};  // empty: "<name>_output_<i>", `output_count` of them
  size_t output_count = 1;
  std::string domain = {};
};

// Not thread-safe.
class ModelBuilder {
 public:
  // Opset 17, IR version 8. `seed` is what random() weights come from.
  explicit ModelBuilder(const std::string& graph_name, uint64_t seed = 0);

  // The version of an operator set; "" is ONNX's own.
  void opset(const std::string& domain, int64_t version);

  // Graph inputs and outputs; the last form says nothing of the shape. input() returns its name.
  std::string input(const std::string& name, DType dtype, const Dimensions& dims);
  void output(const std::string& value, DType dtype, const Dimensions& dims);
  void output(const std::string& value, DType dtype);

  // Initializers; each returns its name. random() is f32.
  std::string initializer(const std::string& name, onnx::TensorProto tensor);
  std::string random(const std::string& name, const Shape& shape, Uniform range = {});

  // Adds a node and returns the name of its first output, or of all.
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<Attr>& attrs = {});
  std::vector<std::string> add(const NodeSpec& spec);

  // Gives a value another name wherever nodes make or use it; returns the new name.
  std::string rename(const std::string& value, const std::string& new_name);

  // `name`, or `name`_1, _2, ... when it was given out before.
  std::string unique_name(const std::string& name);

  // What has been built so far: for a subgraph attribute, or to change by hand.
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }

  // The model; the builder is empty afterwards.
  onnx::ModelProto finish() { return std::move(model_); }

 private:
  onnx::ModelProto model_;
  uint64_t seed_;
  std::map<std::string, int> names_given_;
};

}  // namespace cloister::zoo
