// Networks that rebuild an input from feature maps, and one that tells rebuilt inputs from real
// ones.
#pragma once

#include "audit/attack/head.h"

namespace cloister::audit {

struct NetworkSize {
  int64_t width = 32;  // channels at half the picture's resolution; 8 times that for rows
  int64_t blocks = 2;  // residual blocks at each resolution
};

class Generator : public torch::nn::Module {
 public:
  // Normalised maps to what from_raw() takes, [N, item...].
  virtual at::Tensor forward(const Maps& maps) const = 0;
};

// Pictures: each map is projected by a 1x1 convolution (a vector or tokens by a dense layer) onto
// one grid, their sum goes through residual blocks and is doubled in size until it is the
// picture's. Rows: a dense network with residual layers.
std::shared_ptr<Generator> make_generator(const InputSpace& space, const std::vector<Shape>& maps,
                                          const NetworkSize& size);

class Discriminator : public torch::nn::Module {
 public:
  // Inputs [N, item...] and the maps they belong to; logits, above 0 for "real". Of a picture one a
  // patch (Isola et al. 2017, PatchGAN), of a row one.
  virtual at::Tensor forward(const at::Tensor& inputs, const Maps& maps) const = 0;
};

std::shared_ptr<Discriminator> make_discriminator(const InputSpace& space,
                                                  const std::vector<Shape>& maps,
                                                  const NetworkSize& size);

}  // namespace cloister::audit
