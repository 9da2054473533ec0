#include "engine/torch/call.h"

namespace cloister::ops {
namespace {

template <typename T>
T attribute(const Call& call, const std::string& name, const T& otherwise) {
  const auto found = call.node.attributes.find(name);
  if (found == call.node.attributes.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) reject("attribute '{}' has the wrong type", name);
  return *value;
}

}  // namespace

const at::Tensor& Call::in(size_t i) const {
  if (!has(i)) reject("input {} is missing", i);
  return inputs[i];
}

Ints Call::ints(size_t i) const {
  const at::Tensor numbers = in(i).detach().to(at::kCPU, at::kLong).contiguous();
  const auto* data = numbers.data_ptr<int64_t>();
  return {data, data + numbers.numel()};
}

std::vector<double> Call::numbers(size_t i) const {
  const at::Tensor numbers = in(i).detach().to(at::kCPU, at::kDouble).contiguous();
  const auto* data = numbers.data_ptr<double>();
  return {data, data + numbers.numel()};
}

double Call::scalar(size_t i, double otherwise) const {
  if (!has(i)) return otherwise;
  const std::vector<double> values = numbers(i);
  if (values.size() != 1) reject("input {} has {} numbers, want 1", i, values.size());
  return values[0];
}

int64_t Call::integer(const std::string& name, int64_t otherwise) const {
  return attribute<int64_t>(*this, name, otherwise);
}

double Call::number(const std::string& name, double otherwise) const {
  return attribute<double>(*this, name, otherwise);
}

std::string Call::text(const std::string& name, const std::string& otherwise) const {
  return attribute<std::string>(*this, name, otherwise);
}

Ints Call::integers(const std::string& name, const Ints& otherwise) const {
  return attribute<Ints>(*this, name, otherwise);
}

std::vector<double> Call::floats(const std::string& name,
                                 const std::vector<double>& otherwise) const {
  return attribute<std::vector<double>>(*this, name, otherwise);
}

std::vector<std::string> Call::texts(const std::string& name,
                                     const std::vector<std::string>& otherwise) const {
  return attribute<std::vector<std::string>>(*this, name, otherwise);
}

at::Tensor Call::tensor(const std::string& name) const {
  return attribute<at::Tensor>(*this, name, {});
}

std::optional<Ints> Call::ints_or_attribute(size_t i, const std::string& name) const {
  if (has(i)) return ints(i);
  if (has_attribute(name)) return integers(name);
  return std::nullopt;
}

int64_t axis_of(int64_t axis, int64_t rank) {
  // A scalar has an axis too, as far as ONNX is concerned.
  const int64_t axes = std::max<int64_t>(rank, 1);
  if (axis < -axes || axis >= axes) reject("axis {} of a tensor of rank {}", axis, rank);
  return axis < 0 ? axis + axes : axis;
}

at::Tensor from_front(const at::Tensor& indices, int64_t dimension) {
  const at::Tensor wide = indices.to(at::kLong);
  return at::where(wide < 0, wide + dimension, wide);
}

Ints axes_of(Ints axes, int64_t rank) {
  for (int64_t& axis : axes) axis = axis_of(axis, rank);
  return axes;
}

Ints sizes_of(const at::Tensor& tensor) {
  return tensor.sizes().vec();
}

at::Tensor to_tensor(const Ints& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.data_ptr<int64_t>());
  return tensor;
}

at::ScalarType scalar_type(int64_t onnx_number) {
  switch (onnx_number) {
    case 1:
      return at::kFloat;
    case 2:
      return at::kByte;
    case 3:
      return at::kChar;
    case 5:
      return at::kShort;
    case 6:
      return at::kInt;
    case 7:
      return at::kLong;
    case 9:
      return at::kBool;
    case 10:
      return at::kHalf;
    case 11:
      return at::kDouble;
    case 16:
      return at::kBFloat16;
    default:
      refuse("LibTorch has no elements of ONNX type {}", onnx_number);
  }
}

}  // namespace cloister::ops
