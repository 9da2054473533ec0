#include "engine/random_inputs.h"

#include "tensor/random.h"

namespace cloister {

Result<std::vector<NamedTensor>> random_inputs(const std::vector<TensorSpec>& specs, int64_t batch,
                                               uint64_t seed) {
  std::vector<NamedTensor> inputs;
  for (size_t i = 0; i < specs.size(); ++i) {
    Shape shape = specs[i].dims;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] < 0) shape[axis] = axis == 0 ? batch : 1;
    }
    auto tensor = random_tensor(specs[i].dtype, shape, seed + i);
    if (!tensor) {
      return with_context(tensor.error(), fmt::format("input '{}'", printable(specs[i].name)));
    }
    inputs.push_back({specs[i].name, std::move(*tensor)});
  }
  return inputs;
}

}  // namespace cloister
