#include <unordered_set>

#include "graph/edit.h"

namespace cloister {

Result<Model> with_initializers(const Model& model, const std::map<std::string, Tensor>& values) {
  Model out = model;
  out.file_sha256.clear();
  auto proto = std::make_shared<onnx::ModelProto>(*model.proto);
  std::unordered_set<std::string> found;
  for (onnx::TensorProto& initializer : *proto->mutable_graph()->mutable_initializer()) {
    const auto value = values.find(initializer.name());
    if (value == values.end()) continue;
    const Tensor& tensor = value->second;
    found.insert(value->first);
    const Shape shape(initializer.dims().begin(), initializer.dims().end());
    if (static_cast<int32_t>(tensor.dtype()) != initializer.data_type() ||
        tensor.shape() != shape) {
      return invalid("initializer '{}': got {}{}, the model's is of type {} {}",
                     printable(value->first), dtype_name(tensor.dtype()),
                     shape_text(tensor.shape()), initializer.data_type(), shape_text(shape));
    }
    const auto weight = out.weights.find(value->first);
    if (weight != out.weights.end()) {
      weight->second = tensor;
      continue;
    }
    onnx::TensorProto small;
    small.set_name(initializer.name());
    small.set_data_type(initializer.data_type());
    *small.mutable_dims() = initializer.dims();
    small.set_doc_string(initializer.doc_string());
    small.set_raw_data(tensor.data().data(), tensor.data().size());
    initializer = std::move(small);
  }
  for (const auto& [name, _] : values) {
    if (!found.contains(name)) return invalid("the model has no initializer '{}'", printable(name));
  }
  out.proto = std::move(proto);
  return out;
}

}  // namespace cloister
