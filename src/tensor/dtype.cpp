#include "tensor/dtype.h"

namespace cloister {
namespace {

struct Entry {
  DType dtype;
  std::string_view name;
  unsigned bits;
};

constexpr Entry kTypes[] = {
    {DType::kF32, "f32", 32},
    {DType::kU8, "u8", 8},
    {DType::kI8, "i8", 8},
    {DType::kU16, "u16", 16},
    {DType::kI16, "i16", 16},
    {DType::kI32, "i32", 32},
    {DType::kI64, "i64", 64},
    {DType::kString, "string", 0},
    {DType::kBool, "bool", 8},
    {DType::kF16, "f16", 16},
    {DType::kF64, "f64", 64},
    {DType::kU32, "u32", 32},
    {DType::kU64, "u64", 64},
    {DType::kC64, "c64", 64},
    {DType::kC128, "c128", 128},
    {DType::kBF16, "bf16", 16},
    {DType::kF8E4M3FN, "f8e4m3fn", 8},
    {DType::kF8E4M3FNUZ, "f8e4m3fnuz", 8},
    {DType::kF8E5M2, "f8e5m2", 8},
    {DType::kF8E5M2FNUZ, "f8e5m2fnuz", 8},
    {DType::kU4, "u4", 4},
    {DType::kI4, "i4", 4},
    {DType::kF4E2M1, "f4e2m1", 4},
    {DType::kF8E8M0, "f8e8m0", 8},
    {DType::kU2, "u2", 2},
    {DType::kI2, "i2", 2},
};

// The table is in ONNX's order, which starts at 1.
const Entry& entry(DType dtype) {
  return kTypes[static_cast<int32_t>(dtype) - 1];
}

}  // namespace

std::optional<DType> dtype_from_onnx(int32_t value) {
  if (value < 1 || value > static_cast<int32_t>(std::size(kTypes))) return std::nullopt;
  return kTypes[value - 1].dtype;
}

std::string_view dtype_name(DType dtype) {
  return entry(dtype).name;
}

unsigned dtype_bits(DType dtype) {
  return entry(dtype).bits;
}

bool is_floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kF16 ||
         dtype == DType::kBF16 || (dtype >= DType::kF8E4M3FN && dtype <= DType::kF8E5M2FNUZ);
}

bool is_portable(DType dtype) {
  return dtype <= DType::kBF16 && dtype != DType::kString && dtype != DType::kC64 &&
         dtype != DType::kC128;
}

}  // namespace cloister
