#pragma once

#include "wire/oip.h"

namespace cloister::oip {

// The elements of FP16, BF16 and BOOL tensors, as types of their own.
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};
struct Flag {
  uint8_t value;
};

// Calls `use` with a value of the type that elements of `dtype` are stored as. `dtype` is one that
// datatype() knows.
template <typename Use>
auto with_element_type(DType dtype, Use use) {
  switch (dtype) {
    case DType::kU8:
      return use(uint8_t{});
    case DType::kU16:
      return use(uint16_t{});
    case DType::kU32:
      return use(uint32_t{});
    case DType::kU64:
      return use(uint64_t{});
    case DType::kI8:
      return use(int8_t{});
    case DType::kI16:
      return use(int16_t{});
    case DType::kI32:
      return use(int32_t{});
    case DType::kI64:
      return use(int64_t{});
    case DType::kF16:
      return use(Half{});
    case DType::kBF16:
      return use(BFloat16{});
    case DType::kF32:
      return use(float{});
    case DType::kF64:
      return use(double{});
    default:
      return use(Flag{});
  }
}

}  // namespace cloister::oip
