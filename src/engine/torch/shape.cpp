#include <algorithm>
#include <numeric>

#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

Values reshape(const Call& call) {
  const at::Tensor& x = call.in(0);
  Ints shape = call.ints_or_attribute(1, "shape").value_or(Ints{});
  if (call.integer("allowzero", 0) == 0) {
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0) shape[i] = x.size(static_cast<int64_t>(i));
    }
  }
  return {x.reshape(shape)};
}

Values flatten(const Call& call) {
  const at::Tensor& x = call.in(0);
  int64_t axis = call.integer("axis", 1);
  if (axis < 0) axis += x.dim();
  if (axis < 0 || axis > x.dim()) reject("axis {} of a tensor of rank {}", axis, x.dim());
  int64_t rows = 1;
  for (int64_t i = 0; i < axis; ++i) rows *= x.size(i);
  return {x.reshape({rows, rows == 0 ? 0 : x.numel() / rows})};
}

Values squeeze(const Call& call) {
  const at::Tensor& x = call.in(0);
  const auto given = call.ints_or_attribute(1, "axes");
  if (!given) return {x.squeeze()};
  Ints axes = axes_of(*given, x.dim());
  std::ranges::sort(axes, std::greater<>());
  at::Tensor y = x;
  for (const int64_t axis : axes) {
    if (y.size(axis) != 1) reject("axis {} has dimension {}, not 1", axis, y.size(axis));
    y = y.squeeze(axis);
  }
  return {y};
}

Values unsqueeze(const Call& call) {
  at::Tensor y = call.in(0);
  const Ints given = call.ints_or_attribute(1, "axes").value_or(Ints{});
  Ints axes = axes_of(given, y.dim() + static_cast<int64_t>(given.size()));
  std::ranges::sort(axes);
  for (const int64_t axis : axes) y = y.unsqueeze(axis);
  return {y};
}

Values transpose(const Call& call) {
  const at::Tensor& x = call.in(0);
  Ints order(static_cast<size_t>(x.dim()));
  std::iota(order.rbegin(), order.rend(), 0);
  return {x.permute(call.integers("perm", order))};
}

Values concat(const Call& call) {
  return {at::cat(call.inputs, axis_of(call.integer("axis", 1), call.in(0).dim()))};
}

Values split(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.integer("axis", 0), x.dim());
  if (const auto sizes = call.ints_or_attribute(1, "split")) {
    return x.split_with_sizes(*sizes, axis);
  }
  const int64_t parts =
      call.integer("num_outputs", static_cast<int64_t>(std::max<size_t>(call.outputs(), 1)));
  const int64_t size = (x.size(axis) + parts - 1) / parts;
  Ints sizes(static_cast<size_t>(parts), size);
  sizes.back() = x.size(axis) - size * (parts - 1);
  return x.split_with_sizes(sizes, axis);
}

at::Tensor slice_axis(const at::Tensor& x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  const int64_t dimension = x.size(axis);
  if (step == 0) reject("a step of 0");
  if (start < 0) start += dimension;
  if (end < 0) end += dimension;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, dimension);
    end = std::clamp<int64_t>(end, start, dimension);
    return x.slice(axis, start, end, step);
  }
  start = std::clamp<int64_t>(start, -1, dimension - 1);
  end = std::clamp<int64_t>(end, -1, dimension - 1);
  Ints picked;
  for (int64_t i = start; i > end; i += step) picked.push_back(i);
  return x.index_select(axis, to_tensor(picked).to(x.device()));
}

Values slice(const Call& call) {
  at::Tensor y = call.in(0);
  const bool old = call.opset() < 10;
  const Ints starts = old ? call.integers("starts") : call.ints(1);
  const Ints ends = old ? call.integers("ends") : call.ints(2);
  Ints axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  Ints steps(starts.size(), 1);
  if (old) axes = call.integers("axes", axes);
  if (!old && call.has(3)) axes = call.ints(3);
  if (!old && call.has(4)) steps = call.ints(4);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    reject("{} starts, {} ends, {} axes, {} steps", starts.size(), ends.size(), axes.size(),
           steps.size());
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    y = slice_axis(y, axis_of(axes[i], y.dim()), starts[i], ends[i], steps[i]);
  }
  return {y};
}

// An dimension of 1 in the shape leaves the input's.
Values expand(const Call& call) {
  const at::Tensor& x = call.in(0);
  Ints shape = call.ints(1);
  const auto rank = static_cast<int64_t>(shape.size());
  for (int64_t i = 1; i <= std::min(rank, x.dim()); ++i) {
    int64_t& dimension = shape[static_cast<size_t>(rank - i)];
    if (dimension == 1) dimension = x.size(-i);
  }
  while (static_cast<int64_t>(shape.size()) < x.dim()) {
    shape.insert(shape.begin(), x.size(x.dim() - 1 - static_cast<int64_t>(shape.size())));
  }
  return {x.expand(shape)};
}

Values tile(const Call& call) {
  const at::Tensor& x = call.in(0);
  if (call.opset() >= 6) return {x.repeat(call.ints(1))};
  Ints repeats(static_cast<size_t>(x.dim()), 1);
  repeats.at(static_cast<size_t>(axis_of(call.ints(2).at(0), x.dim()))) = call.ints(1).at(0);
  return {x.repeat(repeats)};
}

Values shape_of(const Call& call) {
  const Ints sizes = sizes_of(call.in(0));
  const auto rank = static_cast<int64_t>(sizes.size());
  const auto bound = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = bound(call.integer("start", 0));
  const int64_t end = std::max(start, bound(call.integer("end", rank)));
  return {to_tensor({sizes.begin() + start, sizes.begin() + end})};
}

Values size_of(const Call& call) {
  return {at::scalar_tensor(call.in(0).numel(), at::kLong)};
}

// Where the elements of a padded axis come from; `from` is any whole number.
int64_t source(const std::string& mode, int64_t from, int64_t dimension) {
  if (mode == "edge") return std::clamp<int64_t>(from, 0, dimension - 1);
  const auto modulo = [](int64_t a, int64_t b) { return ((a % b) + b) % b; };
  if (mode == "wrap") return modulo(from, dimension);
  if (mode != "reflect") reject("mode '{}'", mode);
  if (dimension == 1) return 0;
  const int64_t period = 2 * (dimension - 1);
  const int64_t at = modulo(from, period);
  return at < dimension ? at : period - at;
}

Values pad_node(const Call& call) {
  at::Tensor y = call.in(0);
  const std::string mode = call.text("mode", "constant");
  const Ints pads =
      call.ints_or_attribute(1, "pads").value_or(call.integers("paddings"));  // its name in opset 1
  Ints axes(static_cast<size_t>(y.dim()));
  std::iota(axes.begin(), axes.end(), 0);
  if (call.has(3)) axes = axes_of(call.ints(3), y.dim());
  const size_t count = axes.size();
  if (pads.size() != 2 * count) reject("{} pads for {} axes", pads.size(), count);
  if (mode == "constant") {
    const at::Scalar value = call.has(2) ? call.in(2).item() : at::Scalar(call.number("value", 0));
    Ints amounts(static_cast<size_t>(2 * y.dim()), 0);  // the last axis first
    for (size_t i = 0; i < count; ++i) {
      const auto place = static_cast<size_t>(2 * (y.dim() - 1 - axes[i]));
      amounts[place] = pads[i];
      amounts[place + 1] = pads[i + count];
    }
    return {at::constant_pad_nd(y, amounts, value)};
  }
  for (size_t i = 0; i < count; ++i) {
    if (pads[i] == 0 && pads[i + count] == 0) continue;
    const int64_t dimension = y.size(axes[i]);
    Ints picked;
    for (int64_t from = -pads[i]; from < dimension + pads[i + count]; ++from) {
      picked.push_back(source(mode, from, dimension));
    }
    y = y.index_select(axes[i], to_tensor(picked).to(y.device()));
  }
  return {y};
}

Values depth_to_space(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t b = call.integer("blocksize", 1);
  const int64_t n = x.size(0);
  const int64_t c = x.size(1) / (b * b);
  const int64_t h = x.size(2);
  const int64_t w = x.size(3);
  const at::Tensor y = call.text("mode", "DCR") == "DCR"
                           ? x.reshape({n, b, b, c, h, w}).permute({0, 3, 4, 1, 5, 2})
                           : x.reshape({n, c, b, b, h, w}).permute({0, 1, 4, 2, 5, 3});
  return {y.reshape({n, c, h * b, w * b})};
}

Values space_to_depth(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t b = call.integer("blocksize", 1);
  const int64_t n = x.size(0);
  const int64_t c = x.size(1);
  const int64_t h = x.size(2) / b;
  const int64_t w = x.size(3) / b;
  return {x.reshape({n, c, h, b, w, b}).permute({0, 3, 5, 1, 2, 4}).reshape({n, c * b * b, h, w})};
}

}  // namespace

OperatorFamily shape_operators() {
  return {
      {"Concat", concat},
      {"DepthToSpace", depth_to_space},
      {"Expand", expand, host({1})},
      {"Flatten", flatten},
      {"Pad", pad_node, host({1, 2, 3})},
      {"Reshape", reshape, host({1})},
      {"Shape", shape_of},
      {"Size", size_of},
      {"Slice", slice, host({1, 2, 3, 4})},
      {"SpaceToDepth", space_to_depth},
      {"Split", split, host({1})},
      {"Squeeze", squeeze, host({1})},
      {"Tile", tile, host({1, 2})},
      {"Transpose", transpose},
      {"Unsqueeze", unsqueeze, host({1})},
  };
}

}  // namespace cloister::ops
