#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

// A scale or zero point, which may be one for each index of an axis, against `x`.
at::Tensor along(const Call& call, const at::Tensor& values, const at::Tensor& x) {
  if (values.numel() == 1) return values.reshape({});
  if (values.dim() != 1) refuse("scales in blocks");
  Ints shape(static_cast<size_t>(x.dim()), 1);
  shape[static_cast<size_t>(axis_of(call.integer("axis", 1), x.dim()))] = -1;
  return values.reshape(shape);
}

at::Tensor saturate(const at::Tensor& x, at::ScalarType type) {
  switch (type) {
    case at::kByte:
      return x.clamp(0, 255).to(type);
    case at::kChar:
      return x.clamp(-128, 127).to(type);
    case at::kInt:
      return x.to(type);
    default:
      refuse("quantisation to {}", at::toString(type));
  }
}

at::Tensor quantise(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero,
                    at::ScalarType type) {
  return saturate((x / scale).round() + zero, type);
}

Values quantize_linear(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor scale = along(call, call.in(1), x);
  if (!call.has(2)) return {quantise(x, scale, at::zeros({}, x.options()), at::kByte)};
  return {
      quantise(x, scale, along(call, call.in(2), x).to(x.scalar_type()), call.in(2).scalar_type())};
}

Values dequantize_linear(const Call& call) {
  const at::Tensor& scale = call.in(1);
  at::Tensor x = call.in(0).to(scale.scalar_type());
  if (call.has(2)) x = x - along(call, call.in(2), x).to(scale.scalar_type());
  return {x * along(call, scale, x)};
}

Values dynamic_quantize_linear(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor low = x.min().clamp_max(0);
  const at::Tensor scale = (x.max().clamp_min(0) - low) / 255;
  const at::Tensor zero = (-low / scale).clamp(0, 255).round();
  return {quantise(x, scale, zero, at::kByte), scale, zero.to(at::kByte)};
}

}  // namespace

OperatorFamily quantisation_operators() {
  return {
      {"DequantizeLinear", dequantize_linear},
      {"DynamicQuantizeLinear", dynamic_quantize_linear},
      {"QuantizeLinear", quantize_linear},
  };
}

}  // namespace cloister::ops
