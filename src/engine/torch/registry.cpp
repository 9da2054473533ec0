#include "engine/torch/registry.h"

namespace cloister::ops {

const OperatorEntry* find_operator(const std::string& name) {
  static const auto kOperators = [] {
    std::map<std::string, OperatorEntry> operators;
    for (const auto family :
         {activation_operators, convolution_operators, elementwise_operators, generator_operators,
          indexing_operators, loss_operators, matmul_operators, normalisation_operators,
          pooling_operators, quantisation_operators, recurrent_operators, reduction_operators,
          resize_operators, scatter_operators, shape_operators}) {
      for (const OperatorEntry& entry : family()) operators.emplace(entry.name, entry);
    }
    return operators;
  }();
  const auto found = kOperators.find(name);
  return found == kOperators.end() ? nullptr : &found->second;
}

}  // namespace cloister::ops
