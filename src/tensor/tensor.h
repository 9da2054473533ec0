// Dense tensors: a type, a shape, and bytes in row-major order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tensor/dtype.h"

namespace cloister {

// Dimensions, outermost first; an empty shape is a scalar. Never negative.
using Shape = std::vector<int64_t>;

// "[1,3,224,224]"
std::string shape_text(const Shape& shape);

// Number of elements; kInvalid for a negative dimension or when the product overflows.
Result<uint64_t> element_count(const Shape& shape);

// Bytes of a tensor: types under 8 bits are packed. kUnsupported for strings.
Result<uint64_t> byte_count(DType dtype, const Shape& shape);

// A tensor in memory that somebody else owns. Plain data.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  Bytes data;

  // The elements as T; the caller has checked dtype, and data is aligned for T.
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
};

// A tensor that keeps its memory alive: its own 64-byte aligned buffer, a mapped file, or an
// engine's output. Copies share the memory. Writing through mutable_data() while another thread
// reads is the caller's race to avoid.
class Tensor {
 public:
  Tensor() = default;

  // Zero-filled. kInvalid for a shape that overflows, kUnsupported for strings.
  static Result<Tensor> make(DType dtype, Shape shape);
  // The same, to be written before it is read.
  static Result<Tensor> uninitialized(DType dtype, Shape shape);

  // A copy of `data`, whose size must be what dtype and shape say.
  static Result<Tensor> copy_of(DType dtype, Shape shape, Bytes data);

  // Memory owned by `owner`; `data` must have the size that dtype and shape say.
  static Result<Tensor> adopt(DType dtype, Shape shape, Bytes data,
                              std::shared_ptr<const void> owner);

  DType dtype() const { return view_.dtype; }
  const Shape& shape() const { return view_.shape; }
  Bytes data() const { return view_.data; }
  const TensorView& view() const { return view_; }

  // Only for a tensor from make(), uninitialized() or copy_of().
  MutableBytes mutable_data() {
    return {const_cast<std::byte*>(view_.data.data()), view_.data.size()};
  }

  template <typename T>
  std::span<const T> as() const {
    return view_.as<T>();
  }

  template <typename T>
  std::span<T> mutable_as() {
    return {reinterpret_cast<T*>(mutable_data().data()), view_.data.size() / sizeof(T)};
  }

 private:
  TensorView view_;
  std::shared_ptr<const void> owner_;
};

std::vector<TensorView> views_of(const std::vector<Tensor>& tensors);

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

}  // namespace cloister
