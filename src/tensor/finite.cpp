#include "tensor/finite.h"

#include <algorithm>

namespace cloister {
namespace {

// What is not finite has all bits of its exponent set.
template <typename T>
bool none_has_all(const TensorView& tensor, T exponent) {
  return std::ranges::none_of(tensor.as<T>(),
                              [exponent](T bits) { return (bits & exponent) == exponent; });
}

}  // namespace

bool all_finite(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::kF16:
      return none_has_all<uint16_t>(tensor, 0x7c00);
    case DType::kBF16:
      return none_has_all<uint16_t>(tensor, 0x7f80);
    case DType::kF32:
      return none_has_all<uint32_t>(tensor, 0x7f800000);
    case DType::kF64:
      return none_has_all<uint64_t>(tensor, 0x7ff0000000000000);
    default:
      return true;
  }
}

}  // namespace cloister
