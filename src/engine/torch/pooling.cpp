#include "engine/torch/registry.h"
#include "engine/torch/window.h"

namespace cloister::ops {
namespace {

// How many elements beyond the padded end the last window of ceil_mode reaches, along each axis.
Ints ceil_excess(const Call& call, const Window& window, const at::Tensor& x) {
  Ints excess(window.rank(), 0);
  if (call.integer("ceil_mode", 0) == 0) return excess;
  for (size_t i = 0; i < window.rank(); ++i) {
    const int64_t dimension = x.size(static_cast<int64_t>(i) + 2);
    const int64_t room = dimension + window.begin[i] + window.end[i] - window.reach(i);
    int64_t steps = (room + window.stride[i] - 1) / window.stride[i];
    // A window that would start in the end's padding is left out.
    if (steps * window.stride[i] >= dimension + window.begin[i]) --steps;
    excess[i] = std::max<int64_t>(steps * window.stride[i] - room, 0);
  }
  return excess;
}

Ints plus(Ints a, const Ints& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

// LibTorch pools two and three axes; one is pooled as two.
struct Spread {
  explicit Spread(size_t rank) : one(rank == 1) {
    if (rank > 3) refuse("pooling over {} axes", rank);
  }
  Ints operator()(Ints values, int64_t filler) const {
    if (one) values.insert(values.begin(), filler);
    return values;
  }
  at::Tensor in(const at::Tensor& x) const { return one ? x.unsqueeze(2) : x; }
  at::Tensor out(const at::Tensor& y) const { return one ? y.squeeze(2) : y; }
  bool one;
};

// Sums under each window of an input that is already padded; dilation as a convolution with ones.
at::Tensor window_sums(const at::Tensor& x, const Window& window) {
  const Spread spread(window.rank());
  const Ints kernel = spread(window.kernel, 1);
  const Ints stride = spread(window.stride, 1);
  const at::Tensor wide = spread.in(x);
  if (std::ranges::any_of(window.dilation, [](int64_t n) { return n != 1; })) {
    Ints shape = {x.size(1), 1};
    shape.insert(shape.end(), kernel.begin(), kernel.end());
    return spread.out(at::convolution(wide, at::ones(shape, x.options()), {}, stride,
                                      Ints(kernel.size(), 0), spread(window.dilation, 1), false,
                                      Ints(kernel.size(), 0), x.size(1)));
  }
  const at::Tensor sums = kernel.size() == 2
                              ? at::avg_pool2d(wide, kernel, stride, Ints(2, 0), false, true, 1)
                              : at::avg_pool3d(wide, kernel, stride, Ints(3, 0), false, true, 1);
  return spread.out(sums);
}

Values average_pool(const Call& call) {
  const at::Tensor& x = call.in(0);
  const Window window = read_window(call, x, call.integers("kernel_shape"));
  const Ints excess = ceil_excess(call, window, x);
  const at::Tensor sums = window_sums(pad(x, window.begin, plus(window.end, excess)), window);
  int64_t area = 1;
  for (const int64_t dimension : window.kernel) area *= dimension;
  const bool padded = excess != Ints(window.rank(), 0) || window.begin != Ints(window.rank(), 0) ||
                      window.end != Ints(window.rank(), 0);
  if (!padded) return {sums / static_cast<double>(area)};
  // Padding counts if asked for; what ceil_mode adds beyond it never does.
  Ints shape = sizes_of(x);
  shape[0] = shape[1] = 1;
  at::Tensor counted = at::ones(shape, x.options());
  const double weight = call.integer("count_include_pad", 0) != 0 ? 1 : 0;
  counted = pad(pad(counted, window.begin, window.end, weight), Ints(window.rank(), 0), excess);
  return {sums / window_sums(counted, window)};
}

Values lp_pool(const Call& call) {
  const at::Tensor& x = call.in(0);
  const Window window = read_window(call, x, call.integers("kernel_shape"));
  const double p = static_cast<double>(call.integer("p", 2));
  const Ints excess = ceil_excess(call, window, x);
  const at::Tensor powers = pad(x.abs().pow(p), window.begin, plus(window.end, excess));
  return {window_sums(powers, window).pow(1 / p)};
}

// Positions in the padded planes as ONNX counts them: in the whole unpadded tensor.
at::Tensor flat_indices(const Call& call, at::Tensor at_padded, const at::Tensor& x,
                        const Window& window, const Ints& padded) {
  const bool column_major = call.integer("storage_order", 0) != 0;
  at::Tensor flat = at::zeros_like(at_padded);
  Ints position_stride(window.rank(), 1);
  int64_t plane = 1;
  for (size_t i = 0; i < window.rank(); ++i) plane *= x.size(static_cast<int64_t>(i) + 2);
  int64_t step = 1;
  for (size_t i = 0; i < window.rank(); ++i) {
    const size_t axis = column_major ? i : window.rank() - 1 - i;
    position_stride[axis] = step;
    step *= x.size(static_cast<int64_t>(axis) + 2);
  }
  for (size_t i = window.rank(); i-- > 0;) {
    const at::Tensor position = at_padded.remainder(padded[i]) - window.begin[i];
    flat = flat + position * position_stride[i];
    at_padded = at_padded.div(padded[i], "trunc");
  }
  Ints shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  shape[1] = x.size(1);
  return flat + at::arange(shape[0] * shape[1], flat.options()).reshape(shape) * plane;
}

Values max_pool(const Call& call) {
  const at::Tensor& original = call.in(0);
  const Window window = read_window(call, original, call.integers("kernel_shape"));
  const Spread spread(window.rank());
  const at::Tensor x = original.is_floating_point() ? original : original.to(at::kDouble);
  const Ints excess = ceil_excess(call, window, x);
  const at::Tensor wide =
      pad(x, window.begin, plus(window.end, excess), -std::numeric_limits<double>::infinity());
  const Ints kernel = spread(window.kernel, 1);
  const Ints stride = spread(window.stride, 1);
  const Ints dilation = spread(window.dilation, 1);
  const Ints none(kernel.size(), 0);
  const auto [best, where] =
      kernel.size() == 2
          ? at::max_pool2d_with_indices(spread.in(wide), kernel, stride, none, dilation)
          : at::max_pool3d_with_indices(spread.in(wide), kernel, stride, none, dilation);
  Values results = {spread.out(best).to(original.scalar_type())};
  if (call.outputs() > 1) {
    const Ints sizes = sizes_of(wide);
    results.push_back(
        flat_indices(call, spread.out(where), x, window, {sizes.begin() + 2, sizes.end()}));
  }
  return results;
}

Values max_unpool(const Call& call) {
  const at::Tensor& x = call.in(0);
  const Window window = read_window(call, x, call.integers("kernel_shape"));
  Ints shape = {x.size(0), x.size(1)};
  for (size_t i = 0; i < window.rank(); ++i) {
    shape.push_back((x.size(static_cast<int64_t>(i) + 2) - 1) * window.stride[i] +
                    window.kernel[i] - window.begin[i] - window.end[i]);
  }
  at::Tensor y = at::zeros(shape, x.options())
                     .flatten()
                     .scatter(0, call.in(1).flatten(), x.flatten())
                     .reshape(shape);
  if (!call.has(2)) return {y};
  const Ints wanted = call.ints(2);
  Ints end;
  for (size_t i = 2; i < shape.size(); ++i) end.push_back(wanted.at(i) - shape[i]);
  return {pad(y, Ints(end.size(), 0), end)};
}

Ints spatial_axes(const at::Tensor& x) {
  Ints axes;
  for (int64_t axis = 2; axis < x.dim(); ++axis) axes.push_back(axis);
  return axes;
}

Values global_average_pool(const Call& call) {
  return {call.in(0).mean(spatial_axes(call.in(0)), true)};
}

Values global_max_pool(const Call& call) {
  return {call.in(0).amax(spatial_axes(call.in(0)), true)};
}

Values global_lp_pool(const Call& call) {
  const double p = static_cast<double>(call.integer("p", 2));
  return {call.in(0).abs().pow(p).sum(spatial_axes(call.in(0)), true).pow(1 / p)};
}

}  // namespace

OperatorFamily pooling_operators() {
  return {
      {"AveragePool", average_pool},
      {"GlobalAveragePool", global_average_pool},
      {"GlobalLpPool", global_lp_pool},
      {"GlobalMaxPool", global_max_pool},
      {"LpPool", lp_pool},
      {"MaxPool", max_pool},
      {"MaxUnpool", max_unpool, host({2})},
  };
}

}  // namespace cloister::ops
