#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

Values matmul(const Call& call) {
  return {at::matmul(call.in(0), call.in(1))};
}

Values gemm(const Call& call) {
  const double alpha = call.number("alpha", 1);
  const double beta = call.number("beta", 1);
  const at::Tensor a = call.integer("transA", 0) != 0 ? call.in(0).t() : call.in(0);
  const at::Tensor b = call.integer("transB", 0) != 0 ? call.in(1).t() : call.in(1);
  if (!call.has(2) || beta == 0) {
    const at::Tensor y = at::matmul(a, b);
    return {alpha == 1 ? y : (y * alpha).to(y.scalar_type())};
  }
  return {at::addmm(call.in(2), a, b, beta, alpha)};
}

Values einsum(const Call& call) {
  return {at::einsum(call.text("equation", ""), call.inputs)};
}

Values determinant(const Call& call) {
  return {at::det(call.in(0))};
}

// x minus its zero point, which may be one for each row or column, in f64: sums of products of
// 8-bit integers are exact in it.
at::Tensor centred(const Call& call, size_t value, size_t zero_point, bool rows) {
  const at::Tensor x = call.in(value).to(at::kDouble);
  if (!call.has(zero_point)) return x;
  const at::Tensor zero = call.in(zero_point).to(at::kDouble);
  return x - (rows && zero.dim() == 1 ? zero.unsqueeze(-1) : zero);
}

Values matmul_integer(const Call& call) {
  const at::Tensor a = centred(call, 0, 2, true);
  const at::Tensor b = centred(call, 1, 3, false);
  return {at::matmul(a, b).to(at::kInt)};
}

}  // namespace

OperatorFamily matmul_operators() {
  return {
      {"Det", determinant},
      {"Einsum", einsum},
      {"Gemm", gemm},
      {"MatMul", matmul},
      {"MatMulInteger", matmul_integer},
  };
}

}  // namespace cloister::ops
