// Sliding windows, as convolutions and pools describe them.
#pragma once

#include "engine/torch/call.h"

namespace cloister::ops {

// One entry for each spatial axis.
struct Window {
  Ints kernel;
  Ints stride;
  Ints dilation;
  Ints begin;  // padding before the first element
  Ints end;    // and after the last

  size_t rank() const { return kernel.size(); }
  bool is_symmetric() const { return begin == end; }
  // How far apart the first and the last element under the window are, plus one.
  int64_t reach(size_t i) const { return (kernel[i] - 1) * dilation[i] + 1; }
};

// Reads strides, dilations, pads and auto_pad for an input `x` of [N, C, spatial...].
Window read_window(const Call& call, const at::Tensor& x, Ints kernel);

// Puts `value` around the spatial axes, the last begin.size() ones; negative amounts crop.
at::Tensor pad(const at::Tensor& x, const Ints& begin, const Ints& end, double value = 0);

}  // namespace cloister::ops
