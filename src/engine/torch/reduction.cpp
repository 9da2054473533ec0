#include <algorithm>

#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

struct Reduction {
  at::Tensor x;
  Ints axes;
  bool keep;
};

at::Tensor sum(const Reduction& r) {
  return r.x.sum(r.axes, r.keep, r.x.scalar_type());
}

at::Tensor mean(const Reduction& r) {
  if (r.x.is_floating_point()) return r.x.mean(r.axes, r.keep);
  return r.x.to(at::kDouble).mean(r.axes, r.keep).to(r.x.scalar_type());
}

at::Tensor largest(const Reduction& r) {
  return r.x.amax(r.axes, r.keep);
}

at::Tensor smallest(const Reduction& r) {
  return r.x.amin(r.axes, r.keep);
}

at::Tensor product(const Reduction& r) {
  at::Tensor y = r.x;
  Ints axes = r.axes;
  std::ranges::sort(axes, std::greater<>());
  for (const int64_t axis : axes) y = y.prod(axis, r.keep, r.x.scalar_type());
  return y;
}

at::Tensor sum_of_squares(const Reduction& r) {
  return sum({r.x * r.x, r.axes, r.keep});
}

at::Tensor norm_1(const Reduction& r) {
  return sum({r.x.abs(), r.axes, r.keep});
}

at::Tensor norm_2(const Reduction& r) {
  return sum_of_squares(r).sqrt().to(r.x.scalar_type());
}

at::Tensor log_sum(const Reduction& r) {
  return sum(r).log().to(r.x.scalar_type());
}

at::Tensor log_sum_exp(const Reduction& r) {
  return at::logsumexp(r.x, r.axes, r.keep);
}

template <at::Tensor (*Function)(const Reduction&)>
Values reduce(const Call& call) {
  const at::Tensor& x = call.in(0);
  Ints axes = axes_of(call.ints_or_attribute(1, "axes").value_or(Ints{}), x.dim());
  if (axes.empty() && call.integer("noop_with_empty_axes", 0) != 0) return {x};
  if (axes.empty()) {
    for (int64_t axis = 0; axis < x.dim(); ++axis) axes.push_back(axis);
  }
  if (x.dim() == 0) return {Function({x.reshape({1}), {0}, false})};
  return {Function({x, axes, call.integer("keepdims", 1) != 0})};
}

}  // namespace

OperatorFamily reduction_operators() {
  return {
      {"ReduceL1", reduce<norm_1>, host({1})},
      {"ReduceL2", reduce<norm_2>, host({1})},
      {"ReduceLogSum", reduce<log_sum>, host({1})},
      {"ReduceLogSumExp", reduce<log_sum_exp>, host({1})},
      {"ReduceMax", reduce<largest>, host({1})},
      {"ReduceMean", reduce<mean>, host({1})},
      {"ReduceMin", reduce<smallest>, host({1})},
      {"ReduceProd", reduce<product>, host({1})},
      {"ReduceSum", reduce<sum>, host({1})},
      {"ReduceSumSquare", reduce<sum_of_squares>, host({1})},
  };
}

}  // namespace cloister::ops
