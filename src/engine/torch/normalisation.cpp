#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

// Per-channel values along axis 1 of a tensor of rank `rank`.
at::Tensor per_channel(const at::Tensor& values, int64_t rank) {
  Ints shape(static_cast<size_t>(rank), 1);
  shape[1] = -1;
  return values.reshape(shape);
}

Ints all_but(int64_t rank, int64_t kept) {
  Ints axes;
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (axis != kept) axes.push_back(axis);
  }
  return axes;
}

// With the attribute training_mode: batch statistics, and new running ones as outputs.
Values batch_normalise_and_track(const Call& call, double epsilon, double momentum) {
  const at::Tensor& x = call.in(0);
  const Ints axes = all_but(x.dim(), 1);
  const at::Tensor mean = x.mean(axes);
  const at::Tensor centred = x - per_channel(mean, x.dim());
  const at::Tensor variance = (centred * centred).mean(axes);
  const at::Tensor scale = call.in(1) * (variance + epsilon).rsqrt();
  const at::Tensor y = centred * per_channel(scale, x.dim()) + per_channel(call.in(2), x.dim());
  return {y, call.in(3) * momentum + mean * (1 - momentum),
          call.in(4) * momentum + variance * (1 - momentum)};
}

Values batch_normalisation(const Call& call) {
  const double epsilon = call.number("epsilon", 1e-5);
  const double momentum = call.number("momentum", 0.9);
  if (call.opset() < 9 && call.integer("spatial", 1) == 0) refuse("spatial = 0");
  const bool asked = call.opset() >= 14 ? call.integer("training_mode", 0) != 0
                                        : call.opset() < 7 && call.integer("is_test", 0) == 0 &&
                                              call.outputs() > 1;
  if (asked) return batch_normalise_and_track(call, epsilon, momentum);
  // In training the running statistics follow, as LibTorch counts them: its momentum is the share
  // of the new, ONNX's that of the old.
  return {at::batch_norm(call.in(0), call.in(1), call.in(2), call.in(3), call.in(4), call.training,
                         1 - momentum, epsilon, true)};
}

Values instance_normalisation(const Call& call) {
  return {at::instance_norm(call.in(0), call.in(1), call.in(2), {}, {}, true, 0,
                            call.number("epsilon", 1e-5), true)};
}

Values layer_normalisation(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.integer("axis", -1), x.dim());
  const double epsilon = call.number("epsilon", 1e-5);
  Ints axes;
  Ints shape;
  for (int64_t i = axis; i < x.dim(); ++i) {
    axes.push_back(i);
    shape.push_back(x.size(i));
  }
  if (call.outputs() == 1 && sizes_of(call.in(1)) == shape) {
    return {at::layer_norm(x, shape, call.in(1), call.maybe(2), epsilon)};
  }
  const at::Tensor mean = x.mean(axes, true);
  const at::Tensor centred = x - mean;
  const at::Tensor inverse = ((centred * centred).mean(axes, true) + epsilon).rsqrt();
  at::Tensor y = centred * inverse * call.in(1);
  if (call.has(2)) y = y + call.in(2);
  return {y, mean, inverse};
}

Values rms_normalisation(const Call& call) {
  const at::Tensor& x = call.in(0);
  Ints axes;
  for (int64_t i = axis_of(call.integer("axis", -1), x.dim()); i < x.dim(); ++i) axes.push_back(i);
  const at::Tensor power = (x * x).mean(axes, true);
  return {x * (power + call.number("epsilon", 1e-5)).rsqrt() * call.in(1)};
}

// Scale and bias are per group before opset 21, per channel from then on.
Values group_normalisation(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t groups = call.integer("num_groups", 1);
  const auto spread = [&](const at::Tensor& values) {
    return values.numel() == x.size(1) ? values
                                       : values.repeat_interleave(x.size(1) / values.numel());
  };
  return {at::group_norm(x, groups, spread(call.in(1)), spread(call.in(2)),
                         call.number("epsilon", 1e-5), true)};
}

Values lp_normalisation(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.integer("axis", -1), x.dim());
  const at::Tensor norm = call.integer("p", 2) == 1 ? x.abs().sum(Ints{axis}, true)
                                                    : (x * x).sum(Ints{axis}, true).sqrt();
  return {x / norm};
}

Values local_response_normalisation(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t size = call.integer("size", 1);
  Ints amounts(static_cast<size_t>(2 * (x.dim() - 1)), 0);
  amounts[amounts.size() - 2] = (size - 1) / 2;
  amounts[amounts.size() - 1] = size - 1 - (size - 1) / 2;
  const at::Tensor near = at::constant_pad_nd(x * x, amounts).unfold(1, size, 1).sum(Ints{-1});
  const double alpha = call.number("alpha", 1e-4) / static_cast<double>(size);
  return {x / (near * alpha + call.number("bias", 1)).pow(call.number("beta", 0.75))};
}

Values mean_variance_normalisation(const Call& call) {
  const at::Tensor& x = call.in(0);
  const Ints axes = axes_of(call.integers("axes", {0, 2, 3}), x.dim());
  const at::Tensor centred = x - x.mean(axes, true);
  return {centred / ((centred * centred).mean(axes, true).sqrt() + 1e-9)};
}

}  // namespace

OperatorFamily normalisation_operators() {
  return {
      {"BatchNormalization", batch_normalisation},
      {"GroupNormalization", group_normalisation},
      {"InstanceNormalization", instance_normalisation},
      {"LRN", local_response_normalisation},
      {"LayerNormalization", layer_normalisation},
      {"LpNormalization", lp_normalisation},
      {"MeanVarianceNormalization", mean_variance_normalisation},
      {"RMSNormalization", rms_normalisation},
  };
}

}  // namespace cloister::ops
