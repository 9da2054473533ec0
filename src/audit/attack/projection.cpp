#include "audit/attack/projection.h"

#include <array>

namespace cloister::audit {
namespace {

// Tokens with more features than this, all together, are first brought down one by one.
constexpr int64_t kMaxFlat = 16'384;
constexpr int64_t kTokenFeatures = 32;

int64_t elements(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

bool is_spatial(const Shape& shape) {
  return shape.size() == 3 && shape[1] * shape[2] > 1;
}

}  // namespace

struct GridProjection::Part : torch::nn::Module {
  std::shared_ptr<Conv> conv;    // of a spatial map
  std::shared_ptr<Dense> token;  // of long sequences, token by token
  std::shared_ptr<Dense> dense;

  Part(const Shape& map, int64_t channels, Grid grid) {
    if (is_spatial(map)) {
      conv = register_module("conv", std::make_shared<Conv>(map[0], channels, 1));
      return;
    }
    int64_t flat = elements(map);
    if (flat > kMaxFlat && map.size() > 1) {
      token = register_module("token", std::make_shared<Dense>(map.back(), kTokenFeatures));
      flat = flat / map.back() * kTokenFeatures;
    }
    dense = register_module("dense",
                            std::make_shared<Dense>(flat, channels * grid.height * grid.width));
  }
};

GridProjection::GridProjection(const std::vector<Shape>& maps, int64_t channels, Grid grid)
    : channels_(channels), grid_(grid) {
  for (size_t i = 0; i < maps.size(); ++i) {
    parts_.push_back(
        register_module(fmt::format("map{}", i), std::make_shared<Part>(maps[i], channels, grid)));
  }
}

at::Tensor GridProjection::forward(const Maps& maps) const {
  at::Tensor sum;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = *parts_[i];
    at::Tensor x = maps[i];
    if (part.conv) {
      x = part.conv->forward(x);
      const bool fits = x.size(2) == grid_.height && x.size(3) == grid_.width;
      const bool larger = x.size(2) > grid_.height || x.size(3) > grid_.width;
      const std::array<int64_t, 2> to = {grid_.height, grid_.width};
      if (!fits) x = larger ? at::adaptive_avg_pool2d(x, to) : at::upsample_nearest2d(x, to);
    } else {
      if (part.token) x = part.token->forward(x).relu();
      x = part.dense->forward(x.reshape({x.size(0), -1}))
              .view({x.size(0), grid_.height, grid_.width, channels_})
              .permute({0, 3, 1, 2});
    }
    sum = sum.defined() ? sum + x : x;
  }
  return sum;
}

VectorProjection::VectorProjection(const std::vector<Shape>& maps, int64_t features) {
  for (size_t i = 0; i < maps.size(); ++i) {
    parts_.push_back(register_module(fmt::format("map{}", i),
                                     std::make_shared<Dense>(elements(maps[i]), features)));
  }
}

at::Tensor VectorProjection::forward(const Maps& maps) const {
  at::Tensor sum;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const at::Tensor x = parts_[i]->forward(maps[i].reshape({maps[i].size(0), -1}));
    sum = sum.defined() ? sum + x : x;
  }
  return sum;
}

}  // namespace cloister::audit
