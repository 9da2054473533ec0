#include "engine/random_inputs.h"

#include "tensor/random.h"

namespace cloister {

Result<std::vector<NamedTensor>> random_inputs(const std::vector<Port>& ports, int64_t batch,
                                               uint64_t seed) {
  std::vector<NamedTensor> inputs;
  for (size_t i = 0; i < ports.size(); ++i) {
    Shape shape = ports[i].dims;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] < 0) shape[axis] = axis == 0 ? batch : 1;
    }
    auto tensor = random_tensor(ports[i].dtype, shape, seed + i);
    if (!tensor) {
      return with_context(tensor.error(), fmt::format("input '{}'", printable(ports[i].name)));
    }
    inputs.push_back({ports[i].name, std::move(*tensor)});
  }
  return inputs;
}

}  // namespace cloister
