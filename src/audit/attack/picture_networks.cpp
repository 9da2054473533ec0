#include <algorithm>
#include <cmath>

#include "audit/attack/generator.h"
#include "audit/attack/projection.h"

namespace cloister::audit {
namespace {

// Where a picture's reconstruction starts: its side halved `doublings` times.
struct Start {
  int64_t doublings = 1;
  Grid grid;
};

int64_t halved(int64_t side, int64_t times) {
  for (int64_t i = 0; i < times; ++i) side = (side + 1) / 2;
  return side;
}

// At the resolution of the largest map, but no finer than half the picture's and no coarser than
// 4 pixels.
Start start_of(const Shape& item, const std::vector<Shape>& maps) {
  const int64_t side = std::min(item[1], item[2]);
  int64_t largest = 1;
  for (const Shape& map : maps) {
    if (map.size() == 3) largest = std::max(largest, std::min(map[1], map[2]));
  }
  Start start;
  while (halved(side, start.doublings) > std::max<int64_t>(largest, 4)) ++start.doublings;
  start.grid = {halved(item[1], start.doublings), halved(item[2], start.doublings)};
  return start;
}

class PictureGenerator final : public Generator {
 public:
  PictureGenerator(const Shape& item, const std::vector<Shape>& maps, const NetworkSize& size)
      : height_(item[1]), width_(item[2]) {
    const Start start = start_of(item, maps);
    const auto channels = [&](int64_t doublings) {
      return round_width(static_cast<double>(size.width) *
                         std::min(2.0, 1 + 0.5 * static_cast<double>(doublings - 1)));
    };
    projection_ = register_module("projection", std::make_shared<GridProjection>(
                                                    maps, channels(start.doublings), start.grid));
    for (int64_t left = start.doublings; left >= 1; --left) {
      Stage stage;
      for (int64_t i = 0; i < size.blocks; ++i) {
        stage.blocks.push_back(register_module(fmt::format("block{}_{}", left, i),
                                               std::make_shared<Residual>(channels(left))));
      }
      stage.up = register_module(
          fmt::format("up{}", left),
          std::make_shared<Upsample>(channels(left), left > 1 ? channels(left - 1) : kLast));
      stages_.push_back(std::move(stage));
    }
    last_ = register_module("last", std::make_shared<Conv>(kLast, item[0], 3, 1, 0.1));
  }

  at::Tensor forward(const Maps& maps) const override {
    at::Tensor x = projection_->forward(maps);
    for (const Stage& stage : stages_) {
      for (const auto& block : stage.blocks) x = block->forward(x);
      x = stage.up->forward(x);
    }
    x = last_->forward(x);
    // Sides that are no power of two were rounded up on the way.
    if (x.size(2) == height_ && x.size(3) == width_) return x;
    return x.slice(2, 0, height_).slice(3, 0, width_);
  }

 private:
  static constexpr int64_t kLast = 16;  // channels at the picture's resolution

  struct Stage {
    std::vector<std::shared_ptr<Residual>> blocks;
    std::shared_ptr<Upsample> up;
  };

  int64_t height_, width_;
  std::shared_ptr<GridProjection> projection_;
  std::vector<Stage> stages_;
  std::shared_ptr<Conv> last_;
};

class PictureDiscriminator final : public Discriminator {
 public:
  PictureDiscriminator(const Shape& item, const std::vector<Shape>& maps, const NetworkSize& size)
      : height_(halved(item[1], 1)), width_(halved(item[2], 1)) {
    const int64_t w = size.width;
    const Start start = start_of(item, maps);
    picture_ = register_module("picture", std::make_shared<Conv>(item[0], w, 3, 2));
    projection_ = register_module("projection",
                                  std::make_shared<GridProjection>(maps, kCondition, start.grid));
    second_ = register_module("second", std::make_shared<Conv>(w + kCondition, 2 * w, 3, 2));
    third_ = register_module("third", std::make_shared<Conv>(2 * w, 2 * w, 3, 2));
    last_ = register_module("last", std::make_shared<Conv>(2 * w, 1, 3, 1, 0.1));
  }

  at::Tensor forward(const at::Tensor& inputs, const Maps& maps) const override {
    at::Tensor condition = projection_->forward(maps);
    if (condition.size(2) != height_ || condition.size(3) != width_) {
      condition = at::upsample_nearest2d(condition, at::IntArrayRef({height_, width_}));
    }
    const at::Tensor picture = at::leaky_relu(picture_->forward(inputs * 2 - 1), kSlope);
    at::Tensor x = at::cat({picture, condition}, 1);
    x = at::leaky_relu(second_->forward(x), kSlope);
    x = at::leaky_relu(third_->forward(x), kSlope);
    return last_->forward(x);
  }

 private:
  static constexpr int64_t kCondition = 16;  // channels that the maps get
  static constexpr double kSlope = 0.2;

  int64_t height_, width_;
  std::shared_ptr<GridProjection> projection_;
  std::shared_ptr<Conv> picture_, second_, third_, last_;
};

}  // namespace

std::shared_ptr<Generator> make_picture_generator(const Shape& item, const std::vector<Shape>& maps,
                                                  const NetworkSize& size) {
  return std::make_shared<PictureGenerator>(item, maps, size);
}

std::shared_ptr<Discriminator> make_picture_discriminator(const Shape& item,
                                                          const std::vector<Shape>& maps,
                                                          const NetworkSize& size) {
  return std::make_shared<PictureDiscriminator>(item, maps, size);
}

}  // namespace cloister::audit
