#pragma once

#include <new>
#include <random>
#include <string>

#include "wire/oip.h"

namespace cloister::test {

// A body in memory of its own, `misalignment` bytes after a multiple of 64.
inline SharedBytes shared_body(std::string_view text, size_t misalignment = 0) {
  constexpr std::align_val_t kAlignment{64};
  auto* memory = static_cast<std::byte*>(::operator new(text.size() + misalignment, kAlignment));
  std::memcpy(memory + misalignment, text.data(), text.size());
  return {{memory + misalignment, text.size()},
          std::shared_ptr<void>(memory, [](void* p) { ::operator delete(p, kAlignment); })};
}

// What is sent for a message.
inline std::string body_text(const oip::Message& message) {
  std::string text = message.json;
  for (const Tensor& tensor : message.binary) text += as_text(tensor.data());
  return text;
}

inline std::optional<uint64_t> header_length(const oip::Message& message) {
  return message.extended ? std::optional<uint64_t>(message.json.size()) : std::nullopt;
}

template <typename T>
Tensor tensor_of(DType dtype, Shape shape, const std::vector<T>& elements) {
  return *Tensor::copy_of(dtype, std::move(shape), std::as_bytes(std::span(elements)));
}

inline bool same_tensors(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  return std::ranges::equal(a, b, [](const NamedTensor& x, const NamedTensor& y) {
    return x.name == y.name && x.tensor.dtype() == y.tensor.dtype() &&
           x.tensor.shape() == y.tensor.shape() &&
           std::ranges::equal(x.tensor.data(), y.tensor.data());
  });
}

inline std::vector<DType> oip_types() {
  return {DType::kBool, DType::kU8,  DType::kU16, DType::kU32, DType::kU64,
          DType::kI8,   DType::kI16, DType::kI32, DType::kI64, DType::kF16,
          DType::kBF16, DType::kF32, DType::kF64};
}

}  // namespace cloister::test
