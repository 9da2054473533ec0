#include "audit/attack/generator.h"
#include "audit/attack/projection.h"

namespace cloister::audit {
namespace {

class RowGenerator final : public Generator {
 public:
  RowGenerator(int64_t width, const std::vector<Shape>& maps, const NetworkSize& size) {
    const int64_t hidden = 8 * size.width;
    projection_ = register_module("projection", std::make_shared<VectorProjection>(maps, hidden));
    for (int64_t i = 0; i < 2 * size.blocks; ++i) {
      layers_.push_back(
          register_module(fmt::format("layer{}", i), std::make_shared<Dense>(hidden, hidden, 0.5)));
    }
    last_ = register_module("last", std::make_shared<Dense>(hidden, width, 0.1));
  }

  at::Tensor forward(const Maps& maps) const override {
    at::Tensor x = projection_->forward(maps);
    for (const auto& layer : layers_) x = x + layer->forward(x.relu());
    return last_->forward(x.relu());
  }

 private:
  std::shared_ptr<VectorProjection> projection_;
  std::vector<std::shared_ptr<Dense>> layers_;
  std::shared_ptr<Dense> last_;
};

class RowDiscriminator final : public Discriminator {
 public:
  RowDiscriminator(int64_t width, const std::vector<Shape>& maps, const NetworkSize& size) {
    const int64_t hidden = 4 * size.width;
    projection_ = register_module("projection", std::make_shared<VectorProjection>(maps, hidden));
    row_ = register_module("row", std::make_shared<Dense>(width, hidden));
    second_ = register_module("second", std::make_shared<Dense>(2 * hidden, hidden));
    last_ = register_module("last", std::make_shared<Dense>(hidden, 1, 0.1));
  }

  at::Tensor forward(const at::Tensor& inputs, const Maps& maps) const override {
    const at::Tensor both = at::cat({row_->forward(inputs), projection_->forward(maps)}, 1);
    return last_->forward(at::leaky_relu(second_->forward(at::leaky_relu(both, 0.2)), 0.2));
  }

 private:
  std::shared_ptr<VectorProjection> projection_;
  std::shared_ptr<Dense> row_, second_, last_;
};

}  // namespace

std::shared_ptr<Generator> make_row_generator(const Shape& item, const std::vector<Shape>& maps,
                                              const NetworkSize& size) {
  return std::make_shared<RowGenerator>(item[0], maps, size);
}

std::shared_ptr<Discriminator> make_row_discriminator(const Shape& item,
                                                      const std::vector<Shape>& maps,
                                                      const NetworkSize& size) {
  return std::make_shared<RowDiscriminator>(item[0], maps, size);
}

}  // namespace cloister::audit
