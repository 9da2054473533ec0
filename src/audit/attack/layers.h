// Layers whose weights stay f32 while they work in the type of what flows through them. Channels
// come first in shapes and last in memory; no transposed convolutions, which LibTorch runs slowly
// on the CPU.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/any.h>

namespace cloister::audit {

// He-initialised; `gain` scales the weights.
class Conv : public torch::nn::Module {
 public:
  Conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, double gain = 1);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_, bias_;
  int64_t stride_, padding_;
};

class Dense : public torch::nn::Module {
 public:
  Dense(int64_t in, int64_t out, double gain = 1);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_, bias_;
};

// x + conv(relu(conv(x))), without normalisation (Lim et al. 2017, EDSR).
class Residual : public torch::nn::Module {
 public:
  explicit Residual(int64_t width);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<Conv> first_, second_;
};

// Twice the height and width, by a convolution to four times the channels, rearranged (Shi et al.
// 2016).
class Upsample : public torch::nn::Module {
 public:
  Upsample(int64_t in, int64_t out);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<Conv> conv_;
};

// Multiples of 16, which vector units like.
int64_t round_width(double width);

}  // namespace cloister::audit
