#include "audit/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace cloister::audit {
namespace {

constexpr size_t kWindow = 11;
constexpr size_t kRadius = kWindow / 2;
constexpr double kSigma = 1.5;
constexpr double kC1 = 0.01 * 0.01;
constexpr double kC2 = 0.03 * 0.03;
constexpr std::array kScaleWeights = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

// One channel of one picture, row-major. Doubles, because the variances below are differences.
struct Plane {
  size_t height = 0;
  size_t width = 0;
  std::vector<double> values;

  Plane(size_t h, size_t w) : height(h), width(w), values(h * w) {}
  double* row(size_t y) { return values.data() + y * width; }
  const double* row(size_t y) const { return values.data() + y * width; }
};

struct Batch {
  size_t count, channels, height, width;
  std::span<const float> a, b;

  size_t picture_size() const { return channels * height * width; }
};

Result<> check_range(std::string_view which, std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= -kRangeSlack && values[i] <= 1 + kRangeSlack)) {
      return invalid("{} picture: element {} is {}, want 0 to 1", which, i, values[i]);
    }
  }
  return {};
}

Result<Batch> check(const TensorView& a, const TensorView& b) {
  if (a.dtype != DType::kF32 || b.dtype != DType::kF32) {
    return invalid("pictures are {} and {}, want f32", dtype_name(a.dtype), dtype_name(b.dtype));
  }
  const size_t rank = a.shape.size();
  if (a.shape != b.shape || rank < 3 || rank > 4) {
    return invalid("pictures are {} and {}, want [C,H,W] or [N,C,H,W] twice", shape_text(a.shape),
                   shape_text(b.shape));
  }
  TRY(elements, element_count(a.shape));
  const auto dimension = [&](size_t from_end) {
    return static_cast<size_t>(a.shape[rank - from_end]);
  };
  const Batch batch = {rank == 4 ? dimension(4) : 1,
                       dimension(3),
                       dimension(2),
                       dimension(1),
                       a.as<float>(),
                       b.as<float>()};
  if (elements == 0 || batch.a.size() != elements || batch.b.size() != elements) {
    return invalid("pictures {} have {} and {} elements, want {} and at least 1",
                   shape_text(a.shape), batch.a.size(), batch.b.size(), elements);
  }
  TRY_OK(check_range("first", batch.a));
  TRY_OK(check_range("second", batch.b));
  return batch;
}

Plane plane_of(const Batch& batch, std::span<const float> pictures, size_t picture,
               size_t channel) {
  Plane plane(batch.height, batch.width);
  const size_t size = batch.height * batch.width;
  std::ranges::copy(pictures.subspan((picture * batch.channels + channel) * size, size),
                    plane.values.begin());
  return plane;
}

const std::array<double, kRadius + 1>& kernel() {  // from the centre outwards
  static const auto weights = [] {
    std::array<double, kRadius + 1> made{};
    for (size_t i = 0; i <= kRadius; ++i) {
      made[i] = std::exp(-static_cast<double>(i * i) / (2 * kSigma * kSigma));
    }
    double sum = made[0];
    for (size_t i = 1; i <= kRadius; ++i) sum += 2 * made[i];
    for (double& weight : made) weight /= sum;
    return made;
  }();
  return weights;
}

// Gaussian means at every position where the whole window fits.
Plane blur(const Plane& in) {
  const auto& weight = kernel();
  Plane across(in.height, in.width - 2 * kRadius);
  for (size_t y = 0; y < in.height; ++y) {
    const double* from = in.row(y) + kRadius;
    double* to = across.row(y);
    for (size_t x = 0; x < across.width; ++x) to[x] = weight[0] * from[x];
    for (size_t k = 1; k <= kRadius; ++k) {
      const double* left = from - k;
      const double* right = from + k;
      for (size_t x = 0; x < across.width; ++x) to[x] += weight[k] * (left[x] + right[x]);
    }
  }
  Plane out(in.height - 2 * kRadius, across.width);
  for (size_t y = 0; y < out.height; ++y) {
    double* to = out.row(y);
    const double* centre = across.row(y + kRadius);
    for (size_t x = 0; x < out.width; ++x) to[x] = weight[0] * centre[x];
    for (size_t k = 1; k <= kRadius; ++k) {
      const double* above = across.row(y + kRadius - k);
      const double* below = across.row(y + kRadius + k);
      for (size_t x = 0; x < out.width; ++x) to[x] += weight[k] * (above[x] + below[x]);
    }
  }
  return out;
}

struct Similarity {
  double full = 0;                // mean of luminance x contrast-structure
  double contrast_structure = 0;  // mean of the second factor alone
};

Similarity similarity(const Plane& a, const Plane& b) {
  Plane squares(a.height, a.width);
  Plane products(a.height, a.width);
  for (size_t i = 0; i < a.values.size(); ++i) {
    const double x = a.values[i];
    const double y = b.values[i];
    squares.values[i] = x * x + y * y;  // only the sum of both variances is needed
    products.values[i] = x * y;
  }
  const Plane mean_a = blur(a);
  const Plane mean_b = blur(b);
  squares = blur(squares);
  products = blur(products);
  Similarity sum;
  for (size_t i = 0; i < mean_a.values.size(); ++i) {
    const double x = mean_a.values[i];
    const double y = mean_b.values[i];
    const double variances = squares.values[i] - x * x - y * y;
    const double covariance = products.values[i] - x * y;
    const double structure = (2 * covariance + kC2) / (variances + kC2);
    sum.contrast_structure += structure;
    sum.full += (2 * x * y + kC1) / (x * x + y * y + kC1) * structure;
  }
  const auto count = static_cast<double>(mean_a.values.size());
  return {sum.full / count, sum.contrast_structure / count};
}

Plane halve(const Plane& in) {
  Plane out((in.height + 1) / 2, (in.width + 1) / 2);
  for (size_t y = 0; y < out.height; ++y) {
    const double* top = in.row(2 * y);
    const double* bottom = in.row(std::min(2 * y + 1, in.height - 1));
    for (size_t x = 0; x < out.width; ++x) {
      const size_t left = 2 * x;
      const size_t right = std::min(left + 1, in.width - 1);
      out.row(y)[x] = (top[left] + top[right] + bottom[left] + bottom[right]) / 4;
    }
  }
  return out;
}

double ms_ssim_plane(Plane a, Plane b) {
  double product = 1;
  for (size_t scale = 0; scale < kScaleWeights.size(); ++scale) {
    const bool last = scale + 1 == kScaleWeights.size();
    const Similarity found = similarity(a, b);
    const double factor = last ? found.full : found.contrast_structure;
    product *= std::pow(std::max(factor, 0.0), kScaleWeights[scale]);
    if (last) break;
    a = halve(a);
    b = halve(b);
  }
  return product;
}

template <typename Score>
std::vector<double> mean_over_channels(const Batch& batch, Score score) {
  std::vector<double> out(batch.count);
  for (size_t n = 0; n < batch.count; ++n) {
    for (size_t c = 0; c < batch.channels; ++c) {
      out[n] += score(plane_of(batch, batch.a, n, c), plane_of(batch, batch.b, n, c));
    }
    out[n] /= static_cast<double>(batch.channels);
  }
  return out;
}

// Squared distance in floats of limited runs: exact enough to rank, and quick.
double squared_distance(const float* a, const float* b, size_t count) {
  constexpr size_t kRun = 1024;
  double total = 0;
  for (size_t start = 0; start < count; start += kRun) {
    const size_t end = std::min(start + kRun, count);
    std::array<float, 8> lanes{};
    size_t i = start;
    for (; i + lanes.size() <= end; i += lanes.size()) {
      for (size_t lane = 0; lane < lanes.size(); ++lane) {
        const float difference = a[i + lane] - b[i + lane];
        lanes[lane] += difference * difference;
      }
    }
    for (; i < end; ++i) lanes[0] += (a[i] - b[i]) * (a[i] - b[i]);
    for (const float lane : lanes) total += lane;
  }
  return total;
}

}  // namespace

Result<std::vector<double>> mse(const TensorView& a, const TensorView& b) {
  TRY(batch, check(a, b));
  std::vector<double> out(batch.count);
  const size_t size = batch.picture_size();
  for (size_t n = 0; n < batch.count; ++n) {
    for (size_t i = n * size; i < (n + 1) * size; ++i) {
      const double difference = static_cast<double>(batch.a[i]) - batch.b[i];
      out[n] += difference * difference;
    }
    out[n] /= static_cast<double>(size);
  }
  return out;
}

Result<std::vector<double>> psnr_db(const TensorView& a, const TensorView& b) {
  TRY(errors, mse(a, b));
  for (double& value : errors) value = -10 * std::log10(value);
  return std::move(errors);
}

Result<std::vector<double>> ssim(const TensorView& a, const TensorView& b) {
  TRY(batch, check(a, b));
  if (std::min(batch.height, batch.width) < kWindow) {
    return invalid("SSIM: pictures of {}x{} pixels, want at least {} a side", batch.width,
                   batch.height, kWindow);
  }
  return mean_over_channels(batch,
                            [](const Plane& x, const Plane& y) { return similarity(x, y).full; });
}

Result<std::vector<double>> ms_ssim(const TensorView& a, const TensorView& b) {
  TRY(batch, check(a, b));
  if (std::min(batch.height, batch.width) <= static_cast<size_t>(kMsSsimSide)) {
    return invalid("MS-SSIM: pictures of {}x{} pixels, want more than {} a side", batch.width,
                   batch.height, kMsSsimSide);
  }
  return mean_over_channels(
      batch, [](Plane x, Plane y) { return ms_ssim_plane(std::move(x), std::move(y)); });
}

Result<Reidentification> reidentify(size_t queries, size_t gallery, std::span<const size_t> truth,
                                    const std::function<double(size_t, size_t)>& distance) {
  if (queries == 0 || gallery < 2) {
    return invalid("re-identification: {} reconstructions in a gallery of {}, want 1 and 2 or more",
                   queries, gallery);
  }
  if (truth.empty() ? queries > gallery : truth.size() != queries) {
    return invalid("re-identification: {} reconstructions, {} true originals, a gallery of {}",
                   queries, truth.size(), gallery);
  }
  Reidentification out;
  out.chance = 1 / static_cast<double>(gallery);
  for (size_t q = 0; q < queries; ++q) {
    const size_t own = truth.empty() ? q : truth[q];
    if (own >= gallery) {
      return invalid("re-identification: true original {} of {}, a gallery of {}", own, q, gallery);
    }
    const double own_distance = distance(q, own);
    size_t equal = 1;
    bool nearer = false;
    for (size_t g = 0; g < gallery; ++g) {
      const double other = g == own ? own_distance : distance(q, g);
      if (std::isnan(other)) return invalid("re-identification: distance {} to {} is NaN", q, g);
      if (other < own_distance) nearer = true;
      if (other == own_distance && g != own) ++equal;
    }
    out.hits.push_back(nearer ? 0 : 1 / static_cast<double>(equal));
    out.rate += out.hits.back();
  }
  // Many thirds may sum up to a little too much.
  out.rate = std::min(1.0, out.rate / static_cast<double>(queries));
  return out;
}

Result<Reidentification> reidentify(const TensorView& queries, const TensorView& gallery,
                                    std::span<const size_t> truth) {
  const auto item_shape = [](const TensorView& tensor) {
    return tensor.shape.empty() ? Shape{} : Shape(tensor.shape.begin() + 1, tensor.shape.end());
  };
  if (queries.dtype != DType::kF32 || gallery.dtype != DType::kF32 || queries.shape.size() < 2 ||
      item_shape(queries) != item_shape(gallery)) {
    return invalid("re-identification: {} {} in a gallery {} {}, want f32 items of one shape",
                   dtype_name(queries.dtype), shape_text(queries.shape), dtype_name(gallery.dtype),
                   shape_text(gallery.shape));
  }
  TRY(size, element_count(item_shape(queries)));
  const auto query_count = static_cast<size_t>(queries.shape[0]);
  const auto gallery_count = static_cast<size_t>(gallery.shape[0]);
  const auto q = queries.as<float>();
  const auto g = gallery.as<float>();
  if (size == 0 || q.size() != query_count * size || g.size() != gallery_count * size) {
    return invalid("re-identification: {} and {} values, want {} and {} items of {} (at least 1)",
                   q.size(), g.size(), query_count, gallery_count, size);
  }
  return reidentify(query_count, gallery_count, truth, [&](size_t i, size_t j) {
    return squared_distance(q.data() + i * size, g.data() + j * size, size);
  });
}

Result<double> label_agreement(std::span<const int64_t> a, std::span<const int64_t> b) {
  if (a.size() != b.size() || a.empty()) {
    return invalid("label agreement: {} and {} labels, want as many and at least 1", a.size(),
                   b.size());
  }
  size_t same = 0;
  for (size_t i = 0; i < a.size(); ++i) same += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(same) / static_cast<double>(a.size());
}

}  // namespace cloister::audit
