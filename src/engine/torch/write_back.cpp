#include "engine/torch/convert.h"
#include "engine/torch/segment_module.h"
#include "graph/edit.h"

namespace cloister {

Result<Model> write_back(const SegmentModule& module, const Model& model) {
  std::map<std::string, Tensor> values;
  for (const auto& [name, value] : module.weights()) {
    TRY(shared, from_torch(value));
    // Training goes on in the module's memory.
    TRY(tensor, Tensor::copy_of(shared.dtype(), shared.shape(), shared.data()));
    values.emplace(name, std::move(tensor));
  }
  return with_initializers(model, values);
}

}  // namespace cloister
