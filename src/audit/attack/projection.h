// Feature maps of any kind brought onto one grid, or into one vector.
#pragma once

#include "audit/attack/generator.h"
#include "audit/attack/layers.h"

namespace cloister::audit {

struct Grid {
  int64_t height = 0;
  int64_t width = 0;
};

// The sum of every map's projection onto a grid: [C,H,W] by a 1x1 convolution and, where the size
// differs, resampling; everything else by a dense layer.
class GridProjection : public torch::nn::Module {
 public:
  GridProjection(const std::vector<Shape>& maps, int64_t channels, Grid grid);
  at::Tensor forward(const Maps& maps) const;

 private:
  struct Part;
  std::vector<std::shared_ptr<Part>> parts_;
  int64_t channels_;
  Grid grid_;
};

// The sum of every map's projection into a vector.
class VectorProjection : public torch::nn::Module {
 public:
  VectorProjection(const std::vector<Shape>& maps, int64_t features);
  at::Tensor forward(const Maps& maps) const;

 private:
  std::vector<std::shared_ptr<Dense>> parts_;
};

}  // namespace cloister::audit
