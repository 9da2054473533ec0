#include "audit/attack/losses.h"

#include <algorithm>

#include "audit/attack/picture_loss.h"

namespace cloister::audit {
namespace {

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

at::Tensor row_loss(const InputSpace& space, const at::Tensor& rebuilt, const at::Tensor& inputs) {
  at::Tensor sum = at::zeros({}, rebuilt.options());
  for (const ColumnCode& column : space.columns) {
    const auto first = static_cast<int64_t>(column.first);
    const auto end = first + static_cast<int64_t>(column.width);
    const at::Tensor a = rebuilt.slice(1, first, end), b = inputs.slice(1, first, end);
    if (column.categorical && column.width > 1) {
      sum = sum - (b * (a + 1e-6).log()).sum(1).mean();
      continue;
    }
    sum = sum + at::huber_loss(a.slice(1, 0, 1), b.slice(1, 0, 1));
    if (column.indicator) {
      sum = sum + at::binary_cross_entropy(a.slice(1, 1, 2), b.slice(1, 1, 2));
    }
  }
  return sum / static_cast<double>(space.columns.size());
}

}  // namespace

at::Tensor reconstruction_loss(const InputSpace& space, const at::Tensor& rebuilt,
                               const at::Tensor& inputs) {
  if (space.is_table()) return row_loss(space, rebuilt, inputs);
  const bool large = rebuilt.size(2) >= 8 && rebuilt.size(3) >= 8;
  if (rebuilt.is_cpu() && large) return fused_picture_loss(rebuilt, inputs);
  return at::l1_loss(rebuilt, inputs) + 1 - box_ssim(rebuilt, inputs).mean();
}

at::Tensor total_variation(const at::Tensor& pictures) {
  const at::Tensor down = pictures.slice(2, 1) - pictures.slice(2, 0, -1);
  const at::Tensor right = pictures.slice(3, 1) - pictures.slice(3, 0, -1);
  return down.abs().mean({1, 2, 3}) + right.abs().mean({1, 2, 3});
}

}  // namespace cloister::audit
