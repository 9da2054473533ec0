#include "audit/attack/layers.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace cloister::audit {

Conv::Conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, double gain)
    : stride_(stride), padding_((kernel - 1) / 2) {
  const double deviation = gain * std::sqrt(2.0 / static_cast<double>(in * kernel * kernel));
  weight_ = register_parameter("weight", (at::randn({out, in, kernel, kernel}) * deviation)
                                             .contiguous(at::MemoryFormat::ChannelsLast));
  bias_ = register_parameter("bias", at::zeros({out}));
}

at::Tensor Conv::forward(const at::Tensor& x) const {
  return at::conv2d(x, weight_.to(x.scalar_type()), bias_.to(x.scalar_type()), stride_, padding_);
}

Dense::Dense(int64_t in, int64_t out, double gain) {
  const double deviation = gain * std::sqrt(2.0 / static_cast<double>(in));
  weight_ = register_parameter("weight", at::randn({out, in}) * deviation);
  bias_ = register_parameter("bias", at::zeros({out}));
}

at::Tensor Dense::forward(const at::Tensor& x) const {
  return at::linear(x, weight_.to(x.scalar_type()), bias_.to(x.scalar_type()));
}

Residual::Residual(int64_t width)
    : first_(register_module("first", std::make_shared<Conv>(width, width, 3))),
      second_(register_module("second", std::make_shared<Conv>(width, width, 3, 1, 0.1))) {}

at::Tensor Residual::forward(const at::Tensor& x) const {
  return x + second_->forward(first_->forward(x).relu());
}

Upsample::Upsample(int64_t in, int64_t out)
    : conv_(register_module("conv", std::make_shared<Conv>(in, 4 * out, 3))) {}

at::Tensor Upsample::forward(const at::Tensor& x) const {
  return at::pixel_shuffle(conv_->forward(x), 2).relu();
}

int64_t round_width(double width) {
  return 16 * std::max<int64_t>(1, std::lround(width / 16));
}

}  // namespace cloister::audit
