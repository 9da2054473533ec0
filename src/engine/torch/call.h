// What the implementation of an operator sees of its node, and gives back.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"

namespace cloister::ops {

using Ints = std::vector<int64_t>;
using Values = std::vector<at::Tensor>;  // an undefined tensor: left out
using Attribute = std::variant<int64_t, double, std::string, Ints, std::vector<double>,
                               std::vector<std::string>, at::Tensor>;

// Thrown by operators: most of what they call throws as well. Whoever runs a node catches both and
// names the node.
class Refusal : public std::runtime_error {
 public:
  Refusal(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw Refusal(Kind::kUnsupported, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void reject(fmt::format_string<Args...> format, Args&&... args) {
  throw Refusal(Kind::kInvalid, fmt::format(format, std::forward<Args>(args)...));
}

// A node as loaded: what does not change from run to run.
struct NodeInfo {
  std::string label;  // "Conv 'layer1.0.conv1'"
  std::string op;
  int64_t opset = 0;
  size_t outputs = 0;  // up to the last one that has a name
  std::map<std::string, Attribute> attributes;
};

// One run of a node.
struct Call {
  const NodeInfo& node;
  const Values& inputs;
  bool training = false;  // the module's mode

  // Input `i`; refuses when it is left out.
  const at::Tensor& in(size_t i) const;
  bool has(size_t i) const { return i < inputs.size() && inputs[i].defined(); }
  // Input `i`, undefined when it is left out.
  at::Tensor maybe(size_t i) const { return has(i) ? inputs[i] : at::Tensor(); }
  // The numbers of input `i`, read on the CPU.
  Ints ints(size_t i) const;
  std::vector<double> numbers(size_t i) const;
  // The only number of input `i`, or `otherwise` when it is left out.
  double scalar(size_t i, double otherwise) const;

  int64_t opset() const { return node.opset; }
  size_t outputs() const { return node.outputs; }

  // Attributes; kInvalid when one has another type than asked for.
  bool has_attribute(const std::string& name) const { return node.attributes.contains(name); }
  int64_t integer(const std::string& name, int64_t otherwise) const;
  double number(const std::string& name, double otherwise) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  Ints integers(const std::string& name, const Ints& otherwise = {}) const;
  std::vector<double> floats(const std::string& name,
                             const std::vector<double>& otherwise = {}) const;
  std::vector<std::string> texts(const std::string& name,
                                 const std::vector<std::string>& otherwise = {}) const;
  at::Tensor tensor(const std::string& name) const;  // undefined when there is none

  // Numbers that older opsets have as an attribute and newer ones as input `i`; nothing when
  // neither is given.
  std::optional<Ints> ints_or_attribute(size_t i, const std::string& name) const;
};

// `axis` counted from the front; kInvalid when there is no such axis.
int64_t axis_of(int64_t axis, int64_t rank);
Ints axes_of(Ints axes, int64_t rank);
// The same for indices of a dimension of that size, which are not checked.
at::Tensor from_front(const at::Tensor& indices, int64_t dimension);

Ints sizes_of(const at::Tensor& tensor);

// Numbers as an i64 tensor of rank 1 on the CPU.
at::Tensor to_tensor(const Ints& values);

// LibTorch's type for an ONNX number; refuses those that it lacks.
at::ScalarType scalar_type(int64_t onnx_number);

using Operator = Values (*)(const Call&);

// Inputs that an operator reads as plain numbers: they stay on the CPU whatever the device.
constexpr uint32_t host(std::initializer_list<unsigned> inputs) {
  uint32_t mask = 0;
  for (const unsigned input : inputs) mask |= 1u << input;
  return mask;
}
inline constexpr uint32_t kAllHost = ~0u;

struct OperatorEntry {
  const char* name;
  Operator run;
  uint32_t host_inputs = 0;
};

using OperatorFamily = std::vector<OperatorEntry>;

}  // namespace cloister::ops
