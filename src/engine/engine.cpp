#include "engine/engine.h"

#include <algorithm>

namespace cloister {

Result<> Program::run_into(const std::vector<TensorView>& inputs,
                           const std::vector<OutputPlace>& outputs) {
  TRY(made, run(inputs));
  if (made.size() != outputs.size()) {
    return invalid("places for {} outputs, want {}", outputs.size(), made.size());
  }
  for (size_t i = 0; i < made.size(); ++i) {
    const OutputPlace& place = outputs[i];
    if (made[i].dtype() != place.dtype || made[i].shape() != place.shape ||
        made[i].data().size() != place.data.size()) {
      return invalid("output {} is {}{}, and its place for {}{}", i, dtype_name(made[i].dtype()),
                     shape_text(made[i].shape()), dtype_name(place.dtype), shape_text(place.shape));
    }
    std::ranges::copy(made[i].data(), place.data.begin());
  }
  return {};
}

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

Result<std::vector<size_t>> input_order(const std::vector<TensorSpec>& specs,
                                        const std::vector<NamedTensor>& named) {
  std::vector<std::optional<size_t>> given(specs.size());
  for (size_t i = 0; i < named.size(); ++i) {
    const TensorSpec* const spec = find_spec(specs, named[i].name);
    if (spec == nullptr) {
      return invalid("no input '{}'; the model has {}", printable(named[i].name),
                     spec_names(specs));
    }
    std::optional<size_t>& place = given[static_cast<size_t>(spec - specs.data())];
    if (place) return invalid("input '{}' is given twice", printable(named[i].name));
    place = i;
  }
  std::vector<size_t> order;
  for (size_t s = 0; s < specs.size(); ++s) {
    if (!given[s]) {
      return invalid("input '{}' ({}) is missing", printable(specs[s].name), spec_text(specs[s]));
    }
    order.push_back(*given[s]);
  }
  return order;
}

Result<std::vector<TensorView>> order_inputs(const std::vector<TensorSpec>& specs,
                                             const std::vector<NamedTensor>& named) {
  TRY(order, input_order(specs, named));
  std::vector<TensorView> ordered;
  for (const size_t i : order) ordered.push_back(named[i].tensor.view());
  return ordered;
}

}  // namespace cloister
