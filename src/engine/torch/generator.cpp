// Tensors out of nothing but numbers.
#include <cmath>

#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

Values constant(const Call& call) {
  if (const at::Tensor value = call.tensor("value"); value.defined()) return {value};
  if (call.has_attribute("value_int")) {
    return {at::scalar_tensor(call.integer("value_int", 0), at::kLong)};
  }
  if (call.has_attribute("value_ints")) return {to_tensor(call.integers("value_ints"))};
  if (call.has_attribute("value_float")) {
    return {at::scalar_tensor(call.number("value_float", 0), at::kFloat)};
  }
  if (call.has_attribute("value_floats")) {
    const std::vector<double> values = call.floats("value_floats");
    at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
    std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
    return {tensor};
  }
  refuse("a constant that is no dense numeric tensor");
}

Values constant_of_shape(const Call& call) {
  const at::Tensor value = call.tensor("value");
  if (!value.defined()) return {at::zeros(call.ints(0), at::kFloat)};
  return {value.reshape({}).expand(call.ints(0)).clone()};
}

Values range(const Call& call) {
  const at::ScalarType type = call.in(0).scalar_type();
  if (at::isIntegralType(type, false)) {
    const int64_t start = call.ints(0).at(0);
    const int64_t limit = call.ints(1).at(0);
    const int64_t step = call.ints(2).at(0);
    if (step == 0) reject("a step of 0");
    const bool empty = step > 0 ? start >= limit : start <= limit;
    return {at::arange(start, empty ? start : limit, step, type)};
  }
  const double start = call.scalar(0, 0);
  const double step = call.scalar(2, 1);
  const double count = std::ceil((call.scalar(1, 0) - start) / step);
  const at::Tensor steps =
      at::arange(std::max<int64_t>(static_cast<int64_t>(count), 0), at::kDouble);
  return {(steps * step + start).to(type)};
}

Values eye_like(const Call& call) {
  const at::Tensor& x = call.in(0);
  const auto type =
      call.has_attribute("dtype") ? scalar_type(call.integer("dtype", 1)) : x.scalar_type();
  const at::Tensor row = at::arange(x.size(0)).unsqueeze(1);
  const at::Tensor column = at::arange(x.size(1)).unsqueeze(0);
  return {(column - row == call.integer("k", 0)).to(type)};
}

at::TensorOptions random_options(const Call& call, at::ScalarType otherwise) {
  return at::TensorOptions(call.has_attribute("dtype") ? scalar_type(call.integer("dtype", 1))
                                                       : otherwise);
}

at::Tensor normal(const Call& call, const Ints& shape, at::TensorOptions options) {
  return at::randn(shape, options) * call.number("scale", 1) + call.number("mean", 0);
}

at::Tensor uniform(const Call& call, const Ints& shape, at::TensorOptions options) {
  const double low = call.number("low", 0);
  return at::rand(shape, options) * (call.number("high", 1) - low) + low;
}

using Draw = at::Tensor (*)(const Call&, const Ints&, at::TensorOptions);

template <Draw draw>
Values random(const Call& call) {
  return {draw(call, call.integers("shape"), random_options(call, at::kFloat))};
}

template <Draw draw>
Values random_like(const Call& call) {
  return {draw(call, sizes_of(call.in(0)), random_options(call, call.in(0).scalar_type()))};
}

Values bernoulli(const Call& call) {
  const at::Tensor& x = call.in(0);
  return {at::bernoulli(x).to(random_options(call, x.scalar_type()))};
}

// Sums of cosines: a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N).
Values window(const Call& call, double a0, double a1, double a2) {
  const int64_t size = call.ints(0).at(0);
  const bool periodic = call.integer("periodic", 1) != 0;
  const double period = static_cast<double>(periodic ? size : size - 1);
  const at::Tensor angle = at::arange(size, at::kDouble) * (2 * M_PI / period);
  return {(a0 - angle.cos() * a1 + (angle * 2).cos() * a2)
              .to(scalar_type(call.integer("output_datatype", 1)))};
}

Values hann_window(const Call& call) {
  return window(call, 0.5, 0.5, 0);
}

Values hamming_window(const Call& call) {
  return window(call, 25.0 / 46, 21.0 / 46, 0);
}

Values blackman_window(const Call& call) {
  return window(call, 0.42, 0.5, 0.08);
}

}  // namespace

OperatorFamily generator_operators() {
  return {
      {"Bernoulli", bernoulli},
      {"BlackmanWindow", blackman_window, kAllHost},
      {"Constant", constant},
      {"ConstantOfShape", constant_of_shape, kAllHost},
      {"EyeLike", eye_like},
      {"HammingWindow", hamming_window, kAllHost},
      {"HannWindow", hann_window, kAllHost},
      {"RandomNormal", random<normal>},
      {"RandomNormalLike", random_like<normal>},
      {"RandomUniform", random<uniform>},
      {"RandomUniformLike", random_like<uniform>},
      {"Range", range, kAllHost},
  };
}

}  // namespace cloister::ops
