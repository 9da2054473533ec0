#include "graph/weights.h"

#include "base/checked.h"
#include "graph/model.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

// Nested tensors (in attributes and sub-graphs) can't be kept apart from the skeleton, so their
// external data is read into it, up to this much in all.
constexpr uint64_t kMaxNestedBytes = 1ULL << 30;

Result<Shape> tensor_shape(const onnx::TensorProto& tensor) {
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  TRY_OK(element_count(shape));
  return shape;
}

Result<DType> tensor_dtype(const onnx::TensorProto& tensor) {
  // Types yet to come have larger numbers.
  if (tensor.data_type() < 1) return invalid("element type {}, want 1 or more", tensor.data_type());
  const auto dtype = dtype_from_onnx(tensor.data_type());
  if (!dtype) return fail(Kind::kUnsupported, "unknown element type {}", tensor.data_type());
  return *dtype;
}

std::unexpected<Error> wrong_count(DType dtype, const Shape& shape, int got, uint64_t want) {
  return invalid("{} {} has {} values, want {}", dtype_name(dtype), shape_text(shape), got, want);
}

// Copies the values of a typed field (float_data, int32_data, ...) into a tensor, each narrowed to
// Stored; types under 8 bits are packed in the field, too.
template <typename Stored, typename Field>
Result<Tensor> from_field(DType dtype, Shape shape, const Field& field) {
  // Checked before memory is reserved for what the dimensions claim.
  TRY(size, byte_count(dtype, shape));
  const uint64_t count = size / sizeof(Stored);
  if (static_cast<uint64_t>(field.size()) != count) {
    return wrong_count(dtype, shape, field.size(), count);
  }
  TRY(tensor, Tensor::make(dtype, std::move(shape)));
  const auto out = tensor.template mutable_as<Stored>();
  for (int i = 0; i < field.size(); ++i) out[i] = static_cast<Stored>(field[i]);
  return std::move(tensor);
}

Result<Tensor> typed_value(const onnx::TensorProto& tensor, DType dtype, Shape shape) {
  switch (dtype) {
    case DType::kF32:
    case DType::kC64:
      return from_field<float>(dtype, std::move(shape), tensor.float_data());
    case DType::kF64:
    case DType::kC128:
      return from_field<double>(dtype, std::move(shape), tensor.double_data());
    case DType::kI64:
      return from_field<int64_t>(dtype, std::move(shape), tensor.int64_data());
    case DType::kU32:
      return from_field<uint32_t>(dtype, std::move(shape), tensor.uint64_data());
    case DType::kU64:
      return from_field<uint64_t>(dtype, std::move(shape), tensor.uint64_data());
    default:
      break;
  }
  // Everything smaller than 64 bits shares int32_data.
  switch (dtype_bits(dtype)) {
    case 32:
      return from_field<int32_t>(dtype, std::move(shape), tensor.int32_data());
    case 16:
      return from_field<uint16_t>(dtype, std::move(shape), tensor.int32_data());
    default:
      return from_field<uint8_t>(dtype, std::move(shape), tensor.int32_data());
  }
}

std::string tensor_label(const onnx::TensorProto& tensor) {
  return tensor.name().empty() ? "a tensor" : fmt::format("tensor '{}'", printable(tensor.name()));
}

void clear_data(onnx::TensorProto& tensor) {
  tensor.clear_raw_data();
  tensor.clear_external_data();
  tensor.clear_data_location();
  tensor.clear_float_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_double_data();
  tensor.clear_uint64_data();
}

// The tensor's data as raw_data inside the message.
void set_inline(onnx::TensorProto& tensor, const Tensor& value) {
  clear_data(tensor);
  tensor.set_raw_data(value.data().data(), value.data().size());
}

// Whether the tensor passes through as it is: strings, whose number is checked, and types newer
// than this code.
Result<bool> passes_through(const onnx::TensorProto& tensor) {
  if (is_external(tensor)) return false;
  const auto dtype = dtype_from_onnx(tensor.data_type());
  if (!dtype) return tensor.data_type() > 0;
  if (*dtype != DType::kString) return false;
  TRY(shape, tensor_shape(tensor));
  TRY(count, element_count(shape));
  const int got = tensor.string_data_size();
  if (static_cast<uint64_t>(got) != count) return wrong_count(*dtype, shape, got, count);
  return true;
}

// Checks tensors nested in the model, and brings their external data in.
class NestedTensors {
 public:
  explicit NestedTensors(ExternalFiles& files) : files_(files) {}

  Result<> visit(onnx::TensorProto& tensor) {
    const auto passes = passes_through(tensor);
    if (!passes) return with_context(passes.error(), tensor_label(tensor));
    if (*passes) return {};
    auto value = tensor_value(tensor, files_);
    if (!value) return with_context(value.error(), tensor_label(tensor));
    if (!is_external(tensor)) return {};
    total_ = saturating_add(total_, value->data().size());
    if (total_ > kMaxNestedBytes) {
      return fail(Kind::kUnsupported, "more than {} bytes of external data in attributes",
                  kMaxNestedBytes);
    }
    set_inline(tensor, *value);
    return {};
  }

  Result<> visit(onnx::GraphProto& graph) {
    for (auto& tensor : *graph.mutable_initializer()) TRY_OK(visit(tensor));
    return visit_nodes(graph);
  }

  // Sparse initializers and the attributes of the nodes.
  Result<> visit_nodes(onnx::GraphProto& graph) {
    for (auto& tensor : *graph.mutable_sparse_initializer()) TRY_OK(visit(tensor));
    for (auto& node : *graph.mutable_node()) {
      auto visited = visit(node);
      if (!visited) return with_context(visited.error(), node_label(node));
    }
    return {};
  }

 private:
  Result<> visit(onnx::SparseTensorProto& tensor) {
    TRY_OK(visit(*tensor.mutable_values()));
    return visit(*tensor.mutable_indices());
  }

  Result<> visit(onnx::NodeProto& node) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) TRY_OK(visit(*attribute.mutable_t()));
      for (auto& tensor : *attribute.mutable_tensors()) TRY_OK(visit(tensor));
      if (attribute.has_sparse_tensor()) TRY_OK(visit(*attribute.mutable_sparse_tensor()));
      if (attribute.has_g()) TRY_OK(visit(*attribute.mutable_g()));
      for (auto& graph : *attribute.mutable_graphs()) TRY_OK(visit(graph));
    }
    return {};
  }

  ExternalFiles& files_;
  uint64_t total_ = 0;
};

// Inline raw data of an initializer, taken over without a copy.
Result<Tensor> release_raw(onnx::TensorProto& tensor, DType dtype, Shape shape) {
  const auto raw = std::make_shared<const std::string>(std::move(*tensor.mutable_raw_data()));
  return Tensor::adopt(dtype, std::move(shape), as_bytes(*raw), raw);
}

// The value of a top-level initializer that is large enough to live apart; nothing otherwise.
Result<std::optional<Tensor>> take_weight(onnx::TensorProto& tensor, ExternalFiles& files) {
  TRY(passes, passes_through(tensor));
  if (passes) return std::nullopt;
  TRY(known, tensor_dtype(tensor));
  TRY(shape, tensor_shape(tensor));
  TRY(size, byte_count(known, shape));
  Result<Tensor> value = !is_external(tensor) && tensor.has_raw_data() && size >= kWeightBytes
                             ? release_raw(tensor, known, std::move(shape))
                             : tensor_value(tensor, files);
  if (!value) return std::unexpected(value.error());
  if (size >= kWeightBytes) return std::move(*value);
  if (is_external(tensor)) set_inline(tensor, *value);
  return std::nullopt;
}

}  // namespace

Result<Tensor> tensor_value(const onnx::TensorProto& tensor, ExternalFiles& files) {
  if (tensor.has_segment()) return fail(Kind::kUnsupported, "segmented tensor data");
  TRY(dtype, tensor_dtype(tensor));
  TRY(shape, tensor_shape(tensor));
  TRY_OK(byte_count(dtype, shape));  // kUnsupported for strings
  if (is_external(tensor)) return external_value(tensor, dtype, std::move(shape), files);
  if (tensor.has_raw_data()) {
    return Tensor::copy_of(dtype, std::move(shape), as_bytes(tensor.raw_data()));
  }
  return typed_value(tensor, dtype, std::move(shape));
}

Result<std::map<std::string, Tensor>> take_weights(onnx::ModelProto& model, ExternalFiles& files) {
  std::map<std::string, Tensor> weights;
  for (auto& tensor : *model.mutable_graph()->mutable_initializer()) {
    auto value = take_weight(tensor, files);
    if (!value) return with_context(value.error(), tensor_label(tensor));
    if (!*value) continue;
    clear_data(tensor);
    mark_external(tensor, "weights", 0, (*value)->data().size());
    weights.emplace(tensor.name(), std::move(**value));
  }
  NestedTensors nested(files);
  TRY_OK(nested.visit_nodes(*model.mutable_graph()));
  for (auto& function : *model.mutable_functions()) {
    onnx::GraphProto body;
    body.mutable_node()->Swap(function.mutable_node());
    TRY_OK(nested.visit_nodes(body));
    body.mutable_node()->Swap(function.mutable_node());
  }
  for (auto& training : *model.mutable_training_info()) {
    TRY_OK(nested.visit(*training.mutable_initialization()));
    TRY_OK(nested.visit(*training.mutable_algorithm()));
  }
  return weights;
}

}  // namespace cloister
