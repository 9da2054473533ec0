#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

// The second operand. Before opset 7 it was aligned at an axis instead of at the end.
at::Tensor second(const Call& call) {
  at::Tensor b = call.in(1);
  if (call.opset() >= 7 || !call.has_attribute("axis")) return b;
  const int64_t rank = call.in(0).dim();
  const int64_t axis = axis_of(call.integer("axis", 0), rank);
  while (b.dim() < rank - axis) b = b.unsqueeze(-1);
  return b;
}

template <at::Tensor (*Function)(const at::Tensor&, const at::Tensor&)>
Values binary(const Call& call) {
  return {Function(call.in(0), second(call))};
}

at::Tensor add(const at::Tensor& a, const at::Tensor& b) {
  return at::add(a, b);
}

at::Tensor subtract(const at::Tensor& a, const at::Tensor& b) {
  return at::sub(a, b);
}

// Integers are divided towards zero.
at::Tensor divide(const at::Tensor& a, const at::Tensor& b) {
  return a.is_floating_point() ? at::div(a, b) : at::div(a, b, "trunc");
}

at::Tensor power(const at::Tensor& a, const at::Tensor& b) {
  return at::pow(a, b).to(a.scalar_type());
}

Values mod(const Call& call) {
  const bool sign_of_dividend = call.integer("fmod", 0) != 0;
  return {sign_of_dividend ? at::fmod(call.in(0), call.in(1))
                           : at::remainder(call.in(0), call.in(1))};
}

Values bit_shift(const Call& call) {
  const bool left = call.text("direction", "") == "LEFT";
  return {left ? at::bitwise_left_shift(call.in(0), call.in(1))
               : at::bitwise_right_shift(call.in(0), call.in(1))};
}

Values is_inf(const Call& call) {
  const at::Tensor& x = call.in(0);
  at::Tensor result = at::isinf(x);
  if (call.integer("detect_negative", 1) == 0) result = result.logical_and(x > 0);
  if (call.integer("detect_positive", 1) == 0) result = result.logical_and(x < 0);
  return {result};
}

// Sum, Mean, Max, Min: any number of operands.
template <at::Tensor (*Function)(const at::Tensor&, const at::Tensor&)>
Values variadic(const Call& call) {
  at::Tensor result = call.in(0);
  for (size_t i = 1; i < call.inputs.size(); ++i) result = Function(result, call.in(i));
  return {result};
}

Values mean(const Call& call) {
  return {variadic<add>(call)[0] / static_cast<double>(call.inputs.size())};
}

Values clip(const Call& call) {
  const at::Tensor& x = call.in(0);
  c10::optional<at::Scalar> low;
  c10::optional<at::Scalar> high;
  if (call.opset() < 11) {
    if (call.has_attribute("min")) low = call.number("min", 0);
    if (call.has_attribute("max")) high = call.number("max", 0);
  } else {
    if (call.has(1)) low = call.in(1).item();
    if (call.has(2)) high = call.in(2).item();
  }
  if (!low && !high) return {x};
  return {at::clamp(x, low, high)};
}

Values where(const Call& call) {
  return {at::where(call.in(0).to(at::kBool), call.in(1), call.in(2))};
}

Values cast(const Call& call) {
  return {call.in(0).to(scalar_type(call.integer("to", 0)))};
}

Values cast_like(const Call& call) {
  return {call.in(0).to(call.in(1).scalar_type())};
}

Values identity(const Call& call) {
  return {call.in(0)};
}

}  // namespace

OperatorFamily elementwise_operators() {
  return {
      {"Abs", unary<at::abs>},
      {"Acos", unary<at::acos>},
      {"Acosh", unary<at::acosh>},
      {"Add", binary<add>},
      {"And", binary<at::logical_and>},
      {"Asin", unary<at::asin>},
      {"Asinh", unary<at::asinh>},
      {"Atan", unary<at::atan>},
      {"Atanh", unary<at::atanh>},
      {"BitShift", bit_shift},
      {"BitwiseAnd", binary<at::bitwise_and>},
      {"BitwiseNot", unary<at::bitwise_not>},
      {"BitwiseOr", binary<at::bitwise_or>},
      {"BitwiseXor", binary<at::bitwise_xor>},
      {"Cast", cast},
      {"CastLike", cast_like},
      {"Ceil", unary<at::ceil>},
      {"Clip", clip, host({1, 2})},
      {"Cos", unary<at::cos>},
      {"Cosh", unary<at::cosh>},
      {"Div", binary<divide>},
      {"Equal", binary<at::eq>},
      {"Erf", unary<at::erf>},
      {"Exp", unary<at::exp>},
      {"Floor", unary<at::floor>},
      {"Greater", binary<at::gt>},
      {"GreaterOrEqual", binary<at::ge>},
      {"Identity", identity},
      {"IsInf", is_inf},
      {"IsNaN", unary<at::isnan>},
      {"Less", binary<at::lt>},
      {"LessOrEqual", binary<at::le>},
      {"Log", unary<at::log>},
      {"Max", variadic<at::maximum>},
      {"Mean", mean},
      {"Min", variadic<at::minimum>},
      {"Mod", mod},
      {"Mul", binary<at::mul>},
      {"Neg", unary<at::neg>},
      {"Not", unary<at::logical_not>},
      {"Or", binary<at::logical_or>},
      {"Pow", binary<power>},
      {"Reciprocal", unary<at::reciprocal>},
      {"Round", unary<at::round>},
      {"Sign", unary<at::sign>},
      {"Sin", unary<at::sin>},
      {"Sinh", unary<at::sinh>},
      {"Sqrt", unary<at::sqrt>},
      {"Sub", binary<subtract>},
      {"Sum", variadic<add>},
      {"Tan", unary<at::tan>},
      {"Where", where},
      {"Xor", binary<at::logical_xor>},
  };
}

}  // namespace cloister::ops
