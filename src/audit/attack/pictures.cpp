// Pictures as attackers see them.
#include <algorithm>

#include "audit/attack/input_kinds.h"
#include "audit/attack/picture_loss.h"

namespace cloister::audit {
namespace pictures {
namespace {

at::Tensor from_stored(const at::Tensor& stored) {
  return stored.to(at::kFloat).mul_(1.0 / 255);
}

at::Tensor per_channel(const std::vector<double>& values, const at::Tensor& like) {
  return at::tensor(values, like.options()).reshape({1, -1, 1, 1});
}

at::Tensor to_model_input(const InputSpace& space, const at::Tensor& inputs) {
  const Preprocess& p = space.preprocess;
  const at::Tensor x =
      (inputs * (255 * p.scale) - per_channel(p.mean, inputs)) / per_channel(p.std, inputs);
  return p.layout == Layout::kNhwc ? x.permute({0, 2, 3, 1}) : x;
}

at::Tensor from_raw(const InputSpace&, const at::Tensor& raw) {
  return raw.to(at::kFloat).sigmoid();
}

at::Tensor box_ssim(const at::Tensor& a, const at::Tensor& b) {
  const int64_t side = std::min<int64_t>({8, a.size(2), a.size(3)});
  const int64_t channels = a.size(1);
  // All five moments in one pass.
  const at::Tensor moments =
      at::avg_pool2d(at::cat({a, b, a * a, b * b, a * b}, 1), side, std::max<int64_t>(1, side / 2));
  const auto part = [&](int64_t i) { return moments.narrow(1, i * channels, channels); };
  const at::Tensor ma = part(0), mb = part(1);
  const at::Tensor va = part(2) - ma * ma, vb = part(3) - mb * mb, cov = part(4) - ma * mb;
  constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;
  return ((2 * ma * mb + kC1) * (2 * cov + kC2)) / ((ma * ma + mb * mb + kC1) * (va + vb + kC2));
}

at::Tensor loss(const InputSpace&, const at::Tensor& rebuilt, const at::Tensor& inputs) {
  const bool large = rebuilt.size(2) >= 8 && rebuilt.size(3) >= 8;
  if (rebuilt.is_cpu() && large) return fused_picture_loss(rebuilt, inputs);
  return at::l1_loss(rebuilt, inputs) + 1 - box_ssim(rebuilt, inputs).mean();
}

// Total variation: the mean absolute difference of neighbouring pixels.
at::Tensor roughness(const at::Tensor& inputs, const at::Tensor&) {
  const at::Tensor down = inputs.slice(2, 1) - inputs.slice(2, 0, -1);
  const at::Tensor right = inputs.slice(3, 1) - inputs.slice(3, 0, -1);
  return down.abs().mean({1, 2, 3}) + right.abs().mean({1, 2, 3});
}

void clamp(at::Tensor& inputs) {
  inputs.clamp_(0, 1);
}

at::Tensor typical(const InputSpace&, const at::Tensor& inputs) {
  return inputs.mean(0, true);
}

// Mean, mean colour, median.
std::vector<at::Tensor> constants(const InputSpace&, const at::Tensor& inputs) {
  const at::Tensor mean = inputs.mean(0, true);
  return {mean, mean.mean({2, 3}, true).expand_as(mean).contiguous(),
          std::get<0>(inputs.median(0)).unsqueeze(0)};
}

}  // namespace
}  // namespace pictures

const InputOperations kPictureOperations = {.kind = InputKind::kPictures,
                                            .from_stored = pictures::from_stored,
                                            .to_model_input = pictures::to_model_input,
                                            .from_raw = pictures::from_raw,
                                            .loss = pictures::loss,
                                            .roughness = pictures::roughness,
                                            .clamp = pictures::clamp,
                                            .make_generator = make_picture_generator,
                                            .make_discriminator = make_picture_discriminator,
                                            .typical = pictures::typical,
                                            .constants = pictures::constants};

}  // namespace cloister::audit
