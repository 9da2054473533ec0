#include <set>

#include "engine/torch/convert.h"
#include "engine/torch/segment_module.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

Result<> replace(const at::Tensor& value, onnx::TensorProto& proto, Model& model) {
  TRY(shared, from_torch(value));
  // Training goes on in the module's memory.
  TRY(tensor, Tensor::copy_of(shared.dtype(), shared.shape(), shared.data()));
  const Shape shape(proto.dims().begin(), proto.dims().end());
  if (static_cast<int32_t>(tensor.dtype()) != proto.data_type() || tensor.shape() != shape) {
    return invalid("the module's is {}{}, the model's type {} {}", dtype_name(tensor.dtype()),
                   shape_text(tensor.shape()), proto.data_type(), shape_text(shape));
  }
  const auto weight = model.weights.find(proto.name());
  if (weight != model.weights.end()) {
    weight->second = std::move(tensor);
    return {};
  }
  proto.clear_float_data();
  proto.clear_double_data();
  proto.clear_int32_data();
  proto.set_raw_data(tensor.data().data(), tensor.data().size());
  return {};
}

}  // namespace

Result<Model> write_back(const SegmentModule& module, const Model& model) {
  Model trained = model;
  trained.file_sha256.clear();
  auto proto = std::make_shared<onnx::ModelProto>(*model.proto);
  std::set<std::string> found;
  for (auto& tensor : *proto->mutable_graph()->mutable_initializer()) {
    const auto weight = module.weights().find(tensor.name());
    if (weight == module.weights().end()) continue;
    found.insert(tensor.name());
    const auto replaced = replace(weight->second, tensor, trained);
    if (!replaced) {
      return with_context(replaced.error(), "initializer '" + printable(tensor.name()) + "'");
    }
  }
  for (const auto& [name, _] : module.weights()) {
    if (!found.contains(name)) return invalid("the model has no initializer '{}'", printable(name));
  }
  trained.proto = std::move(proto);
  return trained;
}

}  // namespace cloister
