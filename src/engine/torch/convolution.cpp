#include "engine/torch/registry.h"
#include "engine/torch/window.h"

namespace cloister::ops {
namespace {

Ints spatial(const at::Tensor& weight) {
  const Ints sizes = sizes_of(weight);
  if (sizes.size() < 3) reject("weights of rank {}", sizes.size());
  return {sizes.begin() + 2, sizes.end()};
}

at::Tensor convolve(const Call& call, at::Tensor x, const at::Tensor& weight,
                    const at::Tensor& bias) {
  const Window window = read_window(call, x, spatial(weight));
  Ints padding = window.begin;
  if (!window.is_symmetric()) {
    x = pad(x, window.begin, window.end);
    padding.assign(window.rank(), 0);
  }
  return at::convolution(x, weight, bias, window.stride, padding, window.dilation, false,
                         Ints(window.rank(), 0), call.integer("group", 1));
}

Values conv(const Call& call) {
  return {convolve(call, call.in(0), call.in(1), call.maybe(2))};
}

// x minus a zero point, in f64, where sums of products of 8-bit integers are exact.
at::Tensor centred(const Call& call, size_t value, size_t zero_point) {
  at::Tensor x = call.in(value).to(at::kDouble);
  if (!call.has(zero_point)) return x;
  at::Tensor zero = call.in(zero_point).to(at::kDouble);
  if (zero.dim() == 1 && zero.numel() > 1) {
    Ints shape(static_cast<size_t>(x.dim()), 1);
    shape[0] = -1;
    zero = zero.reshape(shape);
  }
  return x - zero;
}

Values conv_integer(const Call& call) {
  return {convolve(call, centred(call, 0, 2), centred(call, 1, 3), {}).round().to(at::kInt)};
}

// Padding that gives the asked output, or what `pads` says. With it the whole product is cropped;
// negative amounts grow it.
void transposed_padding(const Call& call, const at::Tensor& x, const Ints& output_padding,
                        Window& window) {
  Ints wanted = call.integers("output_shape");
  const std::string automatic = call.text("auto_pad", "NOTSET");
  if (wanted.empty()) {
    if (!automatic.starts_with("SAME")) return;
    for (size_t i = 0; i < window.rank(); ++i) {
      wanted.push_back(x.size(static_cast<int64_t>(i) + 2) * window.stride[i]);
    }
  }
  if (wanted.size() > window.rank()) {
    wanted.erase(wanted.begin(), wanted.end() - static_cast<std::ptrdiff_t>(window.rank()));
  }
  for (size_t i = 0; i < window.rank(); ++i) {
    const int64_t whole = (x.size(static_cast<int64_t>(i) + 2) - 1) * window.stride[i] +
                          output_padding[i] + window.reach(i);
    const int64_t total = whole - wanted[i];
    const int64_t less = std::max<int64_t>(total, 0) / 2;
    // What is missing is added at the end.
    window.begin[i] = total < 0 || automatic == "SAME_UPPER" ? less : total - less;
    window.end[i] = total - window.begin[i];
  }
}

Values conv_transpose(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor& weight = call.in(1);
  Window window = read_window(call, x, spatial(weight));
  const size_t rank = window.rank();
  const Ints output_padding = call.integers("output_padding", Ints(rank, 0));
  transposed_padding(call, x, output_padding, window);
  const int64_t groups = call.integer("group", 1);
  const bool plain = window.is_symmetric() && output_padding == Ints(rank, 0) &&
                     std::ranges::all_of(window.begin, [](int64_t n) { return n >= 0; });
  if (plain) {
    return {at::convolution(x, weight, call.maybe(2), window.stride, window.begin, window.dilation,
                            true, Ints(rank, 0), groups)};
  }
  at::Tensor y = at::convolution(x, weight, {}, window.stride, Ints(rank, 0), window.dilation, true,
                                 Ints(rank, 0), groups);
  Ints begin;
  Ints end;
  for (size_t i = 0; i < rank; ++i) {
    begin.push_back(-window.begin[i]);
    end.push_back(output_padding[i] - window.end[i]);
  }
  y = pad(y, begin, end);
  if (call.has(2)) {
    Ints shape(rank + 2, 1);
    shape[1] = -1;
    y = y + call.in(2).reshape(shape);
  }
  return {y};
}

}  // namespace

OperatorFamily convolution_operators() {
  return {
      {"Conv", conv},
      {"ConvInteger", conv_integer},
      {"ConvTranspose", conv_transpose},
  };
}

}  // namespace cloister::ops
