#include "engine/torch/window.h"

namespace cloister::ops {

Window read_window(const Call& call, const at::Tensor& x, Ints kernel) {
  const size_t rank = kernel.size();
  if (rank == 0 || static_cast<size_t>(x.dim()) != rank + 2) {
    reject("a window of {} axes over a tensor of rank {}", rank, x.dim());
  }
  Window window;
  window.kernel = std::move(kernel);
  window.stride = call.integers("strides", Ints(rank, 1));
  window.dilation = call.integers("dilations", Ints(rank, 1));
  const Ints pads = call.integers("pads", Ints(2 * rank, 0));
  if (window.stride.size() != rank || window.dilation.size() != rank || pads.size() != 2 * rank) {
    reject("{} strides, {} dilations, {} pads for {} axes", window.stride.size(),
           window.dilation.size(), pads.size(), rank);
  }
  const std::string automatic = call.text("auto_pad", "NOTSET");
  if (automatic == "NOTSET") {
    window.begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
    window.end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
    return window;
  }
  window.begin.assign(rank, 0);
  window.end.assign(rank, 0);
  if (automatic == "VALID") return window;
  if (automatic != "SAME_UPPER" && automatic != "SAME_LOWER") reject("auto_pad '{}'", automatic);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t dimension = x.size(static_cast<int64_t>(i) + 2);
    const int64_t stride = std::max<int64_t>(window.stride[i], 1);
    const int64_t count = (dimension + stride - 1) / stride;
    const int64_t total = std::max<int64_t>((count - 1) * stride + window.reach(i) - dimension, 0);
    const int64_t less = total / 2;
    window.begin[i] = automatic == "SAME_UPPER" ? less : total - less;
    window.end[i] = total - window.begin[i];
  }
  return window;
}

at::Tensor pad(const at::Tensor& x, const Ints& begin, const Ints& end, double value) {
  Ints amounts;  // the last axis first
  bool any = false;
  for (size_t i = begin.size(); i-- > 0;) {
    amounts.push_back(begin[i]);
    amounts.push_back(end[i]);
    any = any || begin[i] != 0 || end[i] != 0;
  }
  return any ? at::constant_pad_nd(x, amounts, value) : x;
}

}  // namespace cloister::ops
