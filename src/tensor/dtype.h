#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cloister {

// Element types, with ONNX's own numbers (onnx.proto, TensorProto.DataType). Stored: never
// renumber.
enum class DType : int32_t {
  kF32 = 1,
  kU8 = 2,
  kI8 = 3,
  kU16 = 4,
  kI16 = 5,
  kI32 = 6,
  kI64 = 7,
  kString = 8,
  kBool = 9,
  kF16 = 10,
  kF64 = 11,
  kU32 = 12,
  kU64 = 13,
  kC64 = 14,
  kC128 = 15,
  kBF16 = 16,
  kF8E4M3FN = 17,
  kF8E4M3FNUZ = 18,
  kF8E5M2 = 19,
  kF8E5M2FNUZ = 20,
  kU4 = 21,
  kI4 = 22,
  kF4E2M1 = 23,
  kF8E8M0 = 24,
  kU2 = 25,
  kI2 = 26,
};

// The DType with ONNX's number `value`, or nothing when it is not one that Cloister knows.
std::optional<DType> dtype_from_onnx(int32_t value);

// "f32", "i64", "bf16", ...
std::string_view dtype_name(DType dtype);

// Bits of one element; 0 for strings, whose elements have no fixed size.
unsigned dtype_bits(DType dtype);

bool is_floating(DType dtype);

// Whether Cloister moves tensors of this type in and out of an engine (fixed-size, byte-wide or
// wider, real). Other types may occur inside a segment, but can't cross its border.
bool is_portable(DType dtype);

}  // namespace cloister
