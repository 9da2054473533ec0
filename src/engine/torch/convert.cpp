#include "engine/torch/convert.h"

#include "engine/torch/call.h"

namespace cloister {
namespace {

std::optional<DType> dtype_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return DType::kF32;
    case at::kDouble:
      return DType::kF64;
    case at::kHalf:
      return DType::kF16;
    case at::kBFloat16:
      return DType::kBF16;
    case at::kByte:
      return DType::kU8;
    case at::kChar:
      return DType::kI8;
    case at::kShort:
      return DType::kI16;
    case at::kInt:
      return DType::kI32;
    case at::kLong:
      return DType::kI64;
    case at::kBool:
      return DType::kBool;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<at::Tensor> borrow_torch(const TensorView& tensor) {
  try {
    const auto type = ops::scalar_type(static_cast<int64_t>(tensor.dtype));
    // LibTorch has no tensors of const memory.
    return at::from_blob(const_cast<std::byte*>(tensor.data.data()), tensor.shape,
                         at::TensorOptions(type));
  } catch (const ops::Refusal& refusal) {
    return fail(refusal.kind(), "{}: {}", dtype_name(tensor.dtype), refusal.what());
  }
}

Result<at::Tensor> to_torch(const TensorView& tensor) {
  TRY(borrowed, borrow_torch(tensor));
  return borrowed.clone();
}

Result<Tensor> from_torch(const at::Tensor& tensor) {
  const auto dtype = dtype_of(tensor.scalar_type());
  if (!dtype) {
    return fail(Kind::kUnsupported, "LibTorch returned {}", at::toString(tensor.scalar_type()));
  }
  const auto owner = std::make_shared<const at::Tensor>(tensor.detach().cpu().contiguous());
  const Bytes data(static_cast<const std::byte*>(owner->data_ptr()), owner->nbytes());
  return Tensor::adopt(*dtype, owner->sizes().vec(), data, owner);
}

}  // namespace cloister
