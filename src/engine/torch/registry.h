// The operators, by name. To add one: its function and its line in the family it belongs to.
#pragma once

#include "engine/torch/call.h"

namespace cloister::ops {

// An operator that is one function of LibTorch.
template <at::Tensor (*Function)(const at::Tensor&)>
Values unary(const Call& call) {
  return {Function(call.in(0))};
}

OperatorFamily activation_operators();
OperatorFamily convolution_operators();
OperatorFamily elementwise_operators();
OperatorFamily generator_operators();
OperatorFamily indexing_operators();
OperatorFamily loss_operators();
OperatorFamily matmul_operators();
OperatorFamily normalisation_operators();
OperatorFamily pooling_operators();
OperatorFamily quantisation_operators();
OperatorFamily recurrent_operators();
OperatorFamily reduction_operators();
OperatorFamily resize_operators();
OperatorFamily scatter_operators();
OperatorFamily shape_operators();

// The standard's operator `name`, or null when there is none here.
const OperatorEntry* find_operator(const std::string& name);

}  // namespace cloister::ops
