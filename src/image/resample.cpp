#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cloister {
namespace {

// Weights are fixed-point numbers with as many bits as 8-bit pixels leave of an int, two to spare.
constexpr int kFixedBits = 32 - 8 - 2;

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

// A filter kernel: its half-width in source pixels and its value at a distance.
struct Kernel {
  double support;
  double (*at)(double);
};

double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1 : 0;
}

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double lanczos(double x) {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

Kernel kernel_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kBicubic:
      return {2, cubic};
    case Interpolation::kArea:
      return {0.5, box};
    case Interpolation::kLanczos:
      return {3, lanczos};
    default:
      return {1, triangle};
  }
}

// The source pixels that one output pixel is made of.
struct Window {
  int64_t first;
  std::vector<int32_t> weights;
};

std::vector<Window> windows(int64_t in, int64_t out, const Kernel& kernel) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  std::vector<Window> all(static_cast<size_t>(out));
  std::vector<double> exact;
  for (int64_t i = 0; i < out; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const int64_t last = std::min<int64_t>(in, static_cast<int64_t>(center + support + 0.5));
    exact.clear();
    double sum = 0;
    for (int64_t x = first; x < last; ++x) {
      const double weight = kernel.at((static_cast<double>(x) - center + 0.5) * (1.0 / stretch));
      exact.push_back(weight);
      sum += weight;
    }
    Window& window = all[static_cast<size_t>(i)];
    window.first = first;
    for (double weight : exact) {
      if (sum != 0) weight /= sum;
      window.weights.push_back(
          static_cast<int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kFixedBits)));
    }
  }
  return all;
}

uint8_t clip(int32_t fixed) {
  return static_cast<uint8_t>(std::clamp(fixed >> kFixedBits, 0, 255));
}

// Resamples the middle axis of [outer][in][inner] to [outer][windows.size()][inner].
void resample_axis(const uint8_t* from, size_t outer, size_t in, size_t inner,
                   const std::vector<Window>& windows, uint8_t* to) {
  std::vector<int32_t> sums(inner);
  for (size_t o = 0; o < outer; ++o, from += in * inner) {
    for (const Window& window : windows) {
      std::ranges::fill(sums, 1 << (kFixedBits - 1));
      const uint8_t* row = from + static_cast<size_t>(window.first) * inner;
      for (const int32_t weight : window.weights) {
        for (size_t i = 0; i < inner; ++i) sums[i] += row[i] * weight;
        row += inner;
      }
      for (const int32_t sum : sums) *to++ = clip(sum);
    }
  }
}

// Source index of each output index, summed up as Pillow does so that rounding agrees.
std::vector<size_t> nearest(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  std::vector<size_t> index;
  double at = scale * 0.5;
  for (int64_t i = 0; i < out; ++i, at += scale) {
    index.push_back(static_cast<size_t>(std::min(static_cast<int64_t>(at), in - 1)));
  }
  return index;
}

}  // namespace

Result<Tensor> resize_pixels(const TensorView& pixels, int64_t width, int64_t height,
                             Interpolation interpolation) {
  if (pixels.dtype != DType::kU8 || pixels.shape.size() != 3 || pixels.data.empty()) {
    return invalid("pixels are {} {}, want u8 [height,width,channels]", dtype_name(pixels.dtype),
                   shape_text(pixels.shape));
  }
  if (width < 1 || height < 1) return invalid("resize to {}x{}, want 1x1 or more", width, height);
  const int64_t in_height = pixels.shape[0];
  const int64_t in_width = pixels.shape[1];
  const int64_t channels = pixels.shape[2];
  TRY(out, Tensor::make(DType::kU8, {height, width, channels}));
  const auto c = static_cast<size_t>(channels);
  const uint8_t* from = pixels.as<uint8_t>().data();

  if (interpolation == Interpolation::kNearest) {
    const std::vector<size_t> columns = nearest(in_width, width);
    uint8_t* to = out.mutable_as<uint8_t>().data();
    for (const size_t y : nearest(in_height, height)) {
      for (const size_t x : columns) {
        to = std::copy_n(from + (y * static_cast<size_t>(in_width) + x) * c, c, to);
      }
    }
    return std::move(out);
  }
  // Rows first, then columns, each rounded to 8 bits; an axis that keeps its size is left alone.
  const Kernel kernel = kernel_of(interpolation);
  TRY(rows, Tensor::make(DType::kU8, {in_height, width, channels}));
  if (width != in_width) {
    resample_axis(from, static_cast<size_t>(in_height), static_cast<size_t>(in_width), c,
                  windows(in_width, width, kernel), rows.mutable_as<uint8_t>().data());
    from = rows.as<uint8_t>().data();
  }
  if (height == in_height) {
    return Tensor::copy_of(DType::kU8, out.shape(),
                           {reinterpret_cast<const std::byte*>(from), out.data().size()});
  }
  resample_axis(from, 1, static_cast<size_t>(in_height), static_cast<size_t>(width) * c,
                windows(in_height, height, kernel), out.mutable_as<uint8_t>().data());
  return std::move(out);
}

}  // namespace cloister
