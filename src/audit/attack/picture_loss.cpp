#include "audit/attack/picture_loss.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <cmath>
#include <vector>

namespace cloister::audit {
namespace {

constexpr int64_t kTile = 4;  // a box is two tiles by two
constexpr float kC1 = 0.01F * 0.01F, kC2 = 0.03F * 0.03F;

// Sums over the pixels of a tile or box: of a, b, a*a, b*b, a*b.
struct Moments {
  float a = 0, b = 0, aa = 0, bb = 0, ab = 0;

  void operator+=(const Moments& m) {
    a += m.a;
    b += m.b;
    aa += m.aa;
    bb += m.bb;
    ab += m.ab;
  }
};

// d SSIM / d a_i of a box is offset + by_a * a_i + by_b * b_i.
struct Slope {
  float offset = 0, by_a = 0, by_b = 0;
};

// Wang et al. 2004, with its derivative.
float box_ssim(const Moments& sums, Slope& slope) {
  constexpr float kPixels = 4 * kTile * kTile;
  const float ma = sums.a / kPixels, mb = sums.b / kPixels;
  const float va = sums.aa / kPixels - ma * ma, vb = sums.bb / kPixels - mb * mb;
  const float cov = sums.ab / kPixels - ma * mb;
  const float a1 = 2 * ma * mb + kC1, a2 = 2 * cov + kC2;
  const float b1 = ma * ma + mb * mb + kC1, b2 = va + vb + kC2;
  const float ssim = a1 * a2 / (b1 * b2);
  const float by_variance = -ssim / b2, by_covariance = 2 * a1 / (b1 * b2);
  const float by_mean = 2 * mb * a2 / (b1 * b2) - 2 * ma * ssim / b1;
  slope.offset = (by_mean - 2 * ma * by_variance - mb * by_covariance) / kPixels;
  slope.by_a = 2 * by_variance / kPixels;
  slope.by_b = by_covariance / kPixels;
  return ssim;
}

// Sums of |a - b| and of SSIM over the boxes of one picture, channels last; `gradient` gets the
// loss's, `share` being what the loss divides by.
struct Sums {
  double l1 = 0, ssim = 0;
};
struct Sizes {
  int64_t channels, height, width;
  float pixel_share, box_share;
};

Sums one_picture(const float* a, const float* b, float* gradient, const Sizes& s) {
  const int64_t rows = s.height / kTile, columns = s.width / kTile;
  const int64_t line = s.width * s.channels;
  const auto at_tile = [&](int64_t r, int64_t q, int64_t c) {
    return static_cast<size_t>((r * columns + q) * s.channels + c);
  };
  std::vector<Moments> tiles(static_cast<size_t>(rows * columns * s.channels));
  for (int64_t y = 0; y < rows * kTile; ++y) {
    for (int64_t x = 0; x < columns * kTile; ++x) {
      for (int64_t c = 0; c < s.channels; ++c) {
        const float p = a[y * line + x * s.channels + c], q = b[y * line + x * s.channels + c];
        tiles[at_tile(y / kTile, x / kTile, c)] += {p, q, p * p, q * q, p * q};
      }
    }
  }
  Sums sums;
  std::vector<Slope> slopes(tiles.size());
  for (int64_t r = 0; r + 1 < rows; ++r) {
    for (int64_t q = 0; q + 1 < columns; ++q) {
      for (int64_t c = 0; c < s.channels; ++c) {
        const std::array of = {at_tile(r, q, c), at_tile(r, q + 1, c), at_tile(r + 1, q, c),
                               at_tile(r + 1, q + 1, c)};
        Moments box;
        for (const size_t tile : of) box += tiles[tile];
        Slope slope;
        sums.ssim += box_ssim(box, slope);
        for (const size_t tile : of) {
          slopes[tile].offset += slope.offset;
          slopes[tile].by_a += slope.by_a;
          slopes[tile].by_b += slope.by_b;
        }
      }
    }
  }
  for (int64_t y = 0; y < s.height; ++y) {
    float l1 = 0;
    const bool in_rows = y < rows * kTile;
    for (int64_t x = 0; x < s.width; ++x) {
      const bool in_box = in_rows && x < columns * kTile;
      for (int64_t c = 0; c < s.channels; ++c) {
        const int64_t i = y * line + x * s.channels + c;
        const float off = a[i] - b[i];
        l1 += std::abs(off);
        float g = s.pixel_share * static_cast<float>((off > 0) - (off < 0));
        if (in_box) {
          const Slope& slope = slopes[at_tile(y / kTile, x / kTile, c)];
          g -= s.box_share * (slope.offset + slope.by_a * a[i] + slope.by_b * b[i]);
        }
        gradient[i] = g;
      }
    }
    sums.l1 += l1;
  }
  return sums;
}

class PictureLoss : public torch::autograd::Function<PictureLoss> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& rebuilt,
                            const at::Tensor& inputs) {
    const at::Tensor a = rebuilt.contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor b = inputs.contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor gradient = at::empty_like(a, at::MemoryFormat::ChannelsLast);
    const int64_t n = a.size(0), c = a.size(1), h = a.size(2), w = a.size(3);
    const auto pixels = static_cast<double>(a.numel());
    const auto boxes = static_cast<double>(n * c * (h / kTile - 1) * (w / kTile - 1));
    const Sizes sizes{c, h, w, static_cast<float>(1 / pixels), static_cast<float>(1 / boxes)};
    std::vector<Sums> sums(static_cast<size_t>(n));
    const auto* pa = a.data_ptr<float>();
    const auto* pb = b.data_ptr<float>();
    auto* pg = gradient.data_ptr<float>();
    at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = i * c * h * w;
        sums[static_cast<size_t>(i)] = one_picture(pa + at, pb + at, pg + at, sizes);
      }
    });
    // In the pictures' order, so that the number of threads does not change the sum.
    Sums all;
    for (const Sums& one : sums) {
      all.l1 += one.l1;
      all.ssim += one.ssim;
    }
    context->save_for_backward({gradient});
    return at::scalar_tensor(all.l1 / pixels + 1 - all.ssim / boxes, a.options());
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& outer) {
    return {context->get_saved_variables()[0] * outer[0], at::Tensor()};
  }
};

}  // namespace

at::Tensor fused_picture_loss(const at::Tensor& rebuilt, const at::Tensor& inputs) {
  return PictureLoss::apply(rebuilt, inputs);
}

}  // namespace cloister::audit
