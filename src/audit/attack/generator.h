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
  // Normalised maps to what InputOperations::from_raw takes, [N, item...].
  virtual at::Tensor forward(const Maps& maps) const = 0;
};

class Discriminator : public torch::nn::Module {
 public:
  // Inputs [N, item...] and the maps they belong to; logits, above 0 for "real". Of a picture one a
  // patch (Isola et al. 2017, PatchGAN), of a row one.
  virtual at::Tensor forward(const at::Tensor& inputs, const Maps& maps) const = 0;
};

// Maps' shapes are without the batch.

// Each map is projected by a 1x1 convolution (a vector or tokens by a dense layer) onto one grid,
// their sum goes through residual blocks and is doubled in size until it is the picture's.
std::shared_ptr<Generator> make_picture_generator(const Shape& item, const std::vector<Shape>& maps,
                                                  const NetworkSize& size);
std::shared_ptr<Discriminator> make_picture_discriminator(const Shape& item,
                                                          const std::vector<Shape>& maps,
                                                          const NetworkSize& size);

// Dense networks, the generator with residual layers.
std::shared_ptr<Generator> make_row_generator(const Shape& item, const std::vector<Shape>& maps,
                                              const NetworkSize& size);
std::shared_ptr<Discriminator> make_row_discriminator(const Shape& item,
                                                      const std::vector<Shape>& maps,
                                                      const NetworkSize& size);

}  // namespace cloister::audit
