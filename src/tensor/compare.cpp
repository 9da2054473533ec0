#include "tensor/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/convert.h"

namespace cloister {
namespace {

// The largest distance of integers that a double can't hold.
template <typename T>
double largest_distance(const TensorView& a, const TensorView& b) {
  uint64_t largest = 0;
  for (size_t i = 0; i < a.as<T>().size(); ++i) {
    const auto [low, high] = std::minmax(a.as<T>()[i], b.as<T>()[i]);
    largest = std::max(largest, static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
  }
  return static_cast<double>(largest);
}

}  // namespace

double Difference::relative() const {
  if (max_abs == 0) return 0;
  return max_magnitude > 0 ? max_abs / max_magnitude : std::numeric_limits<double>::infinity();
}

Result<Difference> compare(const TensorView& a, const TensorView& b) {
  if (a.dtype != b.dtype || a.shape != b.shape || a.data.size() != b.data.size()) {
    return invalid("got {}{}, want {}{}", dtype_name(a.dtype), shape_text(a.shape),
                   dtype_name(b.dtype), shape_text(b.shape));
  }
  TRY(xs, to_doubles(a));
  TRY(ys, to_doubles(b));
  Difference out;
  out.identical = std::ranges::equal(a.data, b.data);
  for (size_t i = 0; i < xs.size(); ++i) {
    if (std::isfinite(ys[i])) out.max_magnitude = std::max(out.max_magnitude, std::abs(ys[i]));
    if (xs[i] == ys[i] || (std::isnan(xs[i]) && std::isnan(ys[i]))) continue;
    const double apart = std::abs(xs[i] - ys[i]);
    out.max_abs =
        std::max(out.max_abs, std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart);
  }
  if (a.dtype == DType::kI64) out.max_abs = largest_distance<int64_t>(a, b);
  if (a.dtype == DType::kU64) out.max_abs = largest_distance<uint64_t>(a, b);
  return out;
}

}  // namespace cloister
