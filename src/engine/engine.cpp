#include "engine/engine.h"

#include <algorithm>
#include <set>

namespace cloister {

Result<> check_inputs(const std::vector<TensorSpec>& specs, const std::vector<TensorView>& inputs) {
  if (inputs.size() != specs.size()) {
    return invalid("got {} inputs, want {}: {}", inputs.size(), specs.size(), spec_names(specs));
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    const TensorSpec& spec = specs[i];
    const TensorView& input = inputs[i];
    if (!fits(spec, input.dtype, input.shape, {.may_be_unranked = true})) {
      return invalid("input '{}': got {}{}, want {}", printable(spec.name), dtype_name(input.dtype),
                     shape_text(input.shape), spec_text(spec));
    }
    TRY(size, byte_count(input.dtype, input.shape));
    if (input.data.size() != size) {
      return invalid("input '{}': got {} bytes, want {}", printable(spec.name), input.data.size(),
                     size);
    }
  }
  return {};
}

Result<std::vector<TensorView>> order_inputs(const std::vector<TensorSpec>& specs,
                                             const std::vector<NamedTensor>& named) {
  std::set<std::string> given;
  for (const NamedTensor& tensor : named) {
    if (std::ranges::find(specs, tensor.name, &TensorSpec::name) == specs.end()) {
      return invalid("no input '{}'; the model has {}", printable(tensor.name), spec_names(specs));
    }
    if (!given.insert(tensor.name).second) {
      return invalid("input '{}' is given twice", printable(tensor.name));
    }
  }
  std::vector<TensorView> ordered;
  for (const TensorSpec& spec : specs) {
    const auto tensor = std::ranges::find(named, spec.name, &NamedTensor::name);
    if (tensor == named.end()) {
      return invalid("input '{}' ({}) is missing", printable(spec.name), spec_text(spec));
    }
    ordered.push_back(tensor->tensor.view());
  }
  return ordered;
}

}  // namespace cloister
