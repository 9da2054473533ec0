// Resize, Upsample: one axis at a time, each as picking (nearest) or as a product with a matrix of
// weights, so that every mode is differentiable on every device.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

struct Mode {
  std::string interpolation;
  std::string coordinates;
  std::string nearest;
  double cubic = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
  double extrapolation = 0;
};

struct Axis {
  int64_t from = 0;  // dimensions
  int64_t to = 0;
  double scale = 1;
  double crop_begin = 0;  // for tf_crop_and_resize
  double crop_end = 1;
};

// Where element `i` of the output lies on the input's axis.
double source(const Mode& mode, const Axis& axis, int64_t i) {
  const auto at = static_cast<double>(i);
  const auto from = static_cast<double>(axis.from);
  const double to = static_cast<double>(axis.to);
  const std::string& name = mode.coordinates;
  if (name == "half_pixel") return (at + 0.5) / axis.scale - 0.5;
  if (name == "pytorch_half_pixel") return axis.to > 1 ? (at + 0.5) / axis.scale - 0.5 : 0;
  if (name == "asymmetric") return at / axis.scale;
  if (name == "align_corners") return axis.to > 1 ? at * (from - 1) / (to - 1) : 0;
  if (name == "half_pixel_symmetric") {
    const double adjusted = to / (axis.scale * from);
    return from / 2 * (1 - adjusted) + (at + 0.5) / axis.scale - 0.5;
  }
  if (name == "tf_half_pixel_for_nn") return (at + 0.5) / axis.scale;
  if (name == "tf_crop_and_resize") {
    const double begin = axis.crop_begin * (from - 1);
    const double end = axis.crop_end * (from - 1);
    return axis.to > 1 ? begin + at * (end - begin) / (to - 1) : (begin + end) / 2;
  }
  refuse("coordinate_transformation_mode '{}'", name);
}

bool is_outside(const Mode& mode, const Axis& axis, double x) {
  return mode.coordinates == "tf_crop_and_resize" &&
         (x < 0 || x > static_cast<double>(axis.from - 1));
}

int64_t nearest(const Mode& mode, double x) {
  double at = 0;
  if (mode.nearest == "round_prefer_floor") {
    at = std::ceil(x - 0.5);
  } else if (mode.nearest == "round_prefer_ceil") {
    at = std::floor(x + 0.5);
  } else if (mode.nearest == "floor") {
    at = std::floor(x);
  } else if (mode.nearest == "ceil") {
    at = std::ceil(x);
  } else {
    refuse("nearest_mode '{}'", mode.nearest);
  }
  return static_cast<int64_t>(at);
}

double kernel(const Mode& mode, double distance) {
  const double d = std::abs(distance);
  if (mode.interpolation == "linear") return std::max(0.0, 1 - d);
  const double a = mode.cubic;
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

// The weights [to, from] of an axis.
at::Tensor weights(const Mode& mode, const Axis& axis) {
  at::Tensor matrix = at::zeros({axis.to, axis.from}, at::kDouble);
  auto out = matrix.accessor<double, 2>();
  const double stretch = mode.antialias ? std::max(1.0, 1 / axis.scale) : 1;
  const double reach = (mode.interpolation == "linear" ? 1 : 2) * stretch;
  for (int64_t i = 0; i < axis.to; ++i) {
    const double x = source(mode, axis, i);
    if (is_outside(mode, axis, x)) continue;
    const auto first = static_cast<int64_t>(std::floor(x - reach)) + 1;
    const auto last = static_cast<int64_t>(std::ceil(x + reach)) - 1;
    double total = 0;
    for (int64_t j = first; j <= last; ++j) {
      const bool outside = j < 0 || j >= axis.from;
      if (outside && mode.exclude_outside) continue;
      const double weight = kernel(mode, (static_cast<double>(j) - x) / stretch);
      total += weight;
      out[i][std::clamp<int64_t>(j, 0, axis.from - 1)] += weight;
    }
    for (int64_t j = 0; j < axis.from && total != 0; ++j) out[i][j] /= total;
  }
  return matrix;
}

at::Tensor resize_axis(const at::Tensor& x, int64_t number, const Mode& mode, const Axis& axis) {
  if (mode.interpolation == "nearest") {
    Ints picked;
    for (int64_t i = 0; i < axis.to; ++i) {
      picked.push_back(std::clamp<int64_t>(nearest(mode, source(mode, axis, i)), 0, axis.from - 1));
    }
    return x.index_select(number, to_tensor(picked).to(x.device()));
  }
  const at::Tensor matrix = weights(mode, axis).to(x.device(), x.scalar_type());
  return at::matmul(x.transpose(number, -1), matrix.t()).transpose(number, -1);
}

// What lies outside the crop becomes the extrapolation value, on every axis.
at::Tensor extrapolate(at::Tensor y, int64_t number, const Mode& mode, const Axis& axis) {
  if (mode.coordinates != "tf_crop_and_resize") return y;
  Ints outside;
  for (int64_t i = 0; i < axis.to; ++i) {
    if (is_outside(mode, axis, source(mode, axis, i))) outside.push_back(i);
  }
  if (outside.empty()) return y;
  return y.index_fill(number, to_tensor(outside).to(y.device()), mode.extrapolation);
}

// Sizes by the policy of opset 18: the same scale on all of `axes`.
void keep_aspect(const std::string& policy, const Ints& axes, std::vector<Axis>& all) {
  if (policy == "stretch") return;
  std::vector<double> scales;
  for (const int64_t axis : axes) scales.push_back(all[static_cast<size_t>(axis)].scale);
  const double scale = policy == "not_larger" ? *std::ranges::min_element(scales)
                                              : *std::ranges::max_element(scales);
  for (const int64_t number : axes) {
    Axis& axis = all[static_cast<size_t>(number)];
    axis.scale = scale;
    axis.to = static_cast<int64_t>(std::floor(scale * static_cast<double>(axis.from) + 0.5));
  }
}

at::Tensor resize_by(const Call& call, const Mode& mode, const std::vector<double>& scales,
                     const Ints& sizes, const std::vector<double>& roi) {
  at::Tensor y = call.in(0);
  Ints axes(static_cast<size_t>(y.dim()));
  std::iota(axes.begin(), axes.end(), 0);
  axes = axes_of(call.integers("axes", axes), y.dim());
  std::vector<Axis> all(static_cast<size_t>(y.dim()));
  for (int64_t i = 0; i < y.dim(); ++i) {
    all[static_cast<size_t>(i)] = {.from = y.size(i), .to = y.size(i)};
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    Axis& axis = all[static_cast<size_t>(axes[i])];
    const auto from = static_cast<double>(axis.from);
    if (!sizes.empty()) {
      axis.to = sizes.at(i);
      axis.scale = static_cast<double>(axis.to) / from;
    } else {
      axis.scale = scales.at(i);
      axis.to = static_cast<int64_t>(std::floor(from * axis.scale));
    }
    if (roi.size() == 2 * axes.size()) {
      axis.crop_begin = roi[i];
      axis.crop_end = roi[i + axes.size()];
    }
  }
  if (!sizes.empty()) keep_aspect(call.text("keep_aspect_ratio_policy", "stretch"), axes, all);
  for (const int64_t number : axes) {
    const Axis& axis = all[static_cast<size_t>(number)];
    const bool same = axis.from == axis.to && axis.scale == 1;
    if (same && mode.coordinates != "tf_crop_and_resize") continue;
    y = resize_axis(y, number, mode, axis);
  }
  for (const int64_t number : axes) {
    y = extrapolate(y, number, mode, all[static_cast<size_t>(number)]);
  }
  return y;
}

Values resize(const Call& call) {
  Mode mode;
  mode.interpolation = call.text("mode", "nearest");
  mode.coordinates =
      call.text("coordinate_transformation_mode", call.opset() < 11 ? "asymmetric" : "half_pixel");
  mode.nearest = call.text("nearest_mode", call.opset() < 11 ? "floor" : "round_prefer_floor");
  mode.cubic = call.number("cubic_coeff_a", -0.75);
  mode.exclude_outside = call.integer("exclude_outside", 0) != 0;
  mode.antialias = call.integer("antialias", 0) != 0;
  mode.extrapolation = call.number("extrapolation_value", 0);
  // Weights beyond the edge are left out, not gathered at it, where several inputs blur into one.
  if (mode.antialias) mode.exclude_outside = true;
  const bool old = call.opset() < 11;
  const auto numbers = [&](size_t i) {
    return call.has(i) ? call.numbers(i) : std::vector<double>();
  };
  const Ints sizes = call.has(3) ? call.ints(3) : Ints();
  return {
      resize_by(call, mode, numbers(old ? 1 : 2), sizes, old ? std::vector<double>() : numbers(1))};
}

Values upsample(const Call& call) {
  Mode mode;
  mode.interpolation = call.text("mode", "nearest");
  mode.coordinates = "asymmetric";
  mode.nearest = "floor";
  const std::vector<double> scales = call.has(1) ? call.numbers(1) : call.floats("scales");
  return {resize_by(call, mode, scales, {}, {})};
}

Values grid_sample(const Call& call) {
  const std::map<std::string, int64_t> modes = {
      {"bilinear", 0}, {"linear", 0}, {"nearest", 1}, {"bicubic", 2}, {"cubic", 2}};
  const std::map<std::string, int64_t> paddings = {{"zeros", 0}, {"border", 1}, {"reflection", 2}};
  const auto mode = modes.find(call.text("mode", "bilinear"));
  const auto padding = paddings.find(call.text("padding_mode", "zeros"));
  if (mode == modes.end()) reject("mode '{}'", call.text("mode", ""));
  if (padding == paddings.end()) reject("padding_mode '{}'", call.text("padding_mode", ""));
  return {at::grid_sampler(call.in(0), call.in(1), mode->second, padding->second,
                           call.integer("align_corners", 0) != 0)};
}

}  // namespace

OperatorFamily resize_operators() {
  return {
      {"GridSample", grid_sample},
      {"Resize", resize, host({1, 2, 3})},
      {"Upsample", upsample, host({1})},
  };
}

}  // namespace cloister::ops
