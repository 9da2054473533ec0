#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

Values leaky_relu(const Call& call) {
  return {at::leaky_relu(call.in(0), call.number("alpha", 0.01))};
}

Values elu(const Call& call) {
  return {at::elu(call.in(0), call.number("alpha", 1))};
}

Values celu(const Call& call) {
  return {at::celu(call.in(0), call.number("alpha", 1))};
}

Values selu(const Call& call) {
  return {at::elu(call.in(0), call.number("alpha", 1.67326319217681884765625),
                  call.number("gamma", 1.05070102214813232421875))};
}

Values hard_sigmoid(const Call& call) {
  return {at::clamp(call.in(0) * call.number("alpha", 0.2) + call.number("beta", 0.5), 0, 1)};
}

Values softplus(const Call& call) {
  return {at::softplus(call.in(0))};
}

Values softsign(const Call& call) {
  return {call.in(0) / (1 + call.in(0).abs())};
}

Values gelu(const Call& call) {
  return {at::gelu(call.in(0), call.text("approximate", "none"))};
}

Values swish(const Call& call) {
  return {call.in(0) * at::sigmoid(call.in(0) * call.number("alpha", 1))};
}

Values thresholded_relu(const Call& call) {
  const at::Tensor& x = call.in(0);
  return {at::where(x > call.number("alpha", 1), x, at::zeros_like(x))};
}

Values shrink(const Call& call) {
  const at::Tensor& x = call.in(0);
  const double bias = call.number("bias", 0);
  const double lambda = call.number("lambd", 0.5);
  return {at::where(x < -lambda, x + bias, at::where(x > lambda, x - bias, at::zeros_like(x)))};
}

Values prelu(const Call& call) {
  const at::Tensor& x = call.in(0);
  at::Tensor slope = call.in(1);
  if (call.opset() < 7 && slope.numel() > 1) {
    while (slope.dim() < x.dim() - 1) slope = slope.unsqueeze(-1);
  }
  return {at::where(x >= 0, x, x * slope)};
}

at::Tensor hardmax_last(const at::Tensor& x, int64_t axis) {
  return at::zeros_like(x).scatter(axis, at::argmax(x, axis, true), 1);
}

at::Tensor softmax_at(const at::Tensor& x, int64_t axis) {
  return at::softmax(x, axis);
}

at::Tensor log_softmax_at(const at::Tensor& x, int64_t axis) {
  return at::log_softmax(x, axis);
}

// Before opset 13 these worked on a matrix: the axes before `axis` against the rest.
template <at::Tensor (*Function)(const at::Tensor&, int64_t)>
Values along_axis(const Call& call) {
  const at::Tensor& x = call.in(0);
  if (call.opset() >= 13) return {Function(x, axis_of(call.integer("axis", -1), x.dim()))};
  const int64_t axis = axis_of(call.integer("axis", 1), x.dim());
  if (axis == x.dim() - 1) return {Function(x, axis)};
  return {Function(x.flatten(axis), axis).reshape(x.sizes())};
}

Values dropout(const Call& call) {
  const at::Tensor& x = call.in(0);
  double ratio = call.number("ratio", 0.5);
  bool active = call.training;
  if (call.opset() >= 12) {
    ratio = call.scalar(1, 0.5);
    active = active || call.scalar(2, 0) != 0;
  } else if (call.opset() < 7) {
    active = active || call.integer("is_test", 0) == 0;
  }
  const auto mask_type = call.opset() >= 10 ? at::kBool : x.scalar_type();
  if (!active || ratio == 0) return {x, at::ones_like(x, x.options().dtype(mask_type))};
  const at::Tensor keep = at::rand_like(x) >= ratio;
  return {x * keep / (1 - ratio), keep.to(mask_type)};
}

}  // namespace

OperatorFamily activation_operators() {
  return {
      {"Celu", celu},
      {"Dropout", dropout, host({1, 2})},
      {"Elu", elu},
      {"Gelu", gelu},
      {"HardSigmoid", hard_sigmoid},
      {"HardSwish", unary<at::hardswish>},
      {"Hardmax", along_axis<hardmax_last>},
      {"LeakyRelu", leaky_relu},
      {"LogSoftmax", along_axis<log_softmax_at>},
      {"Mish", unary<at::mish>},
      {"PRelu", prelu},
      {"Relu", unary<at::relu>},
      {"Selu", selu},
      {"Shrink", shrink},
      {"Sigmoid", unary<at::sigmoid>},
      {"Softmax", along_axis<softmax_at>},
      {"Softplus", softplus},
      {"Softsign", softsign},
      {"Swish", swish},
      {"Tanh", unary<at::tanh>},
      {"ThresholdedRelu", thresholded_relu},
  };
}

}  // namespace cloister::ops
