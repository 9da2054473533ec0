#include "tensor/tensor.h"

#include <fmt/ranges.h>

#include <new>

#include "base/checked.h"

namespace cloister {

std::string shape_text(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

Result<uint64_t> element_count(const Shape& shape) {
  uint64_t count = 1;
  bool empty = false;
  for (const int64_t dimension : shape) {
    if (dimension < 0) return invalid("shape {} has a negative dimension", shape_text(shape));
    // A zero must not hide an overflow of the other dimensions.
    if (dimension == 0) {
      empty = true;
      continue;
    }
    auto product = checked_mul(count, static_cast<uint64_t>(dimension));
    if (!product) return invalid("shape {} is too large", shape_text(shape));
    count = *product;
  }
  return empty ? 0 : count;
}

Result<uint64_t> byte_count(DType dtype, const Shape& shape) {
  const unsigned bits = dtype_bits(dtype);
  if (bits == 0)
    return fail(Kind::kUnsupported, "{} tensors have no fixed size", dtype_name(dtype));
  TRY(count, element_count(shape));
  auto total_bits = checked_mul(count, bits);
  // Nothing above half the address space can exist in memory.
  if (!total_bits || *total_bits / 8 > static_cast<uint64_t>(INT64_MAX) / 2) {
    return invalid("shape {} of {} is too large", shape_text(shape), dtype_name(dtype));
  }
  return (*total_bits + 7) / 8;
}

std::vector<TensorView> views_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors) views.push_back(tensor.view());
  return views;
}

Result<Tensor> Tensor::uninitialized(DType dtype, Shape shape) {
  TRY(size, byte_count(dtype, shape));
  // More than any machine has: not even asked for, as some allocators complain by themselves.
  constexpr uint64_t kMaxBytes = 1ULL << 40;
  constexpr std::align_val_t kAlignment{64};
  void* memory =
      size < kMaxBytes ? ::operator new(size == 0 ? 1 : size, kAlignment, std::nothrow) : nullptr;
  if (memory == nullptr) {
    return fail(Kind::kIo, "no memory for {} bytes of {} {}", size, dtype_name(dtype),
                shape_text(shape));
  }
  Tensor tensor;
  tensor.owner_ = std::shared_ptr<void>(memory, [](void* p) { ::operator delete(p, kAlignment); });
  tensor.view_ = {dtype, std::move(shape), {static_cast<std::byte*>(memory), size}};
  return tensor;
}

Result<Tensor> Tensor::make(DType dtype, Shape shape) {
  TRY(tensor, uninitialized(dtype, std::move(shape)));
  std::memset(tensor.mutable_data().data(), 0, tensor.data().size());
  return std::move(tensor);
}

Result<Tensor> Tensor::copy_of(DType dtype, Shape shape, Bytes data) {
  TRY(size, byte_count(dtype, shape));
  if (size != data.size()) {
    return invalid("{} {} has {} bytes, want {}", dtype_name(dtype), shape_text(shape), data.size(),
                   size);
  }
  TRY(tensor, uninitialized(dtype, std::move(shape)));
  if (size > 0) std::memcpy(tensor.mutable_data().data(), data.data(), size);
  return std::move(tensor);
}

Result<Tensor> Tensor::adopt(DType dtype, Shape shape, Bytes data,
                             std::shared_ptr<const void> owner) {
  TRY(size, byte_count(dtype, shape));
  if (size != data.size()) {
    return invalid("{} {} has {} bytes, want {}", dtype_name(dtype), shape_text(shape), data.size(),
                   size);
  }
  Tensor tensor;
  tensor.view_ = {dtype, std::move(shape), data};
  tensor.owner_ = std::move(owner);
  return tensor;
}

}  // namespace cloister
