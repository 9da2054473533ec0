#include "tensor/random.h"

#include <random>

namespace cloister {
namespace {

template <typename Stored, typename Make>
void fill(Tensor& tensor, uint64_t seed, Make make) {
  std::mt19937_64 generator(seed);
  for (Stored& element : tensor.mutable_as<Stored>()) element = make(generator());
}

// 53 random bits as a number in [-1, 1).
double unit(uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1p-52 - 1.0;
}

}  // namespace

Result<Tensor> random_tensor(DType dtype, const Shape& shape, uint64_t seed) {
  TRY(tensor, Tensor::make(dtype, shape));
  const auto bit = [](uint64_t bits) { return bits >> 63; };
  switch (dtype) {
    case DType::kF32:
      fill<float>(tensor, seed, [](uint64_t bits) { return static_cast<float>(unit(bits)); });
      break;
    case DType::kF64:
      fill<double>(tensor, seed, unit);
      break;
    case DType::kBF16:
      fill<uint16_t>(tensor, seed, [](uint64_t bits) {
        return std::bit_cast<uint32_t>(static_cast<float>(unit(bits))) >> 16;
      });
      break;
    case DType::kF16:
      // A random mantissa and sign below an exponent of -1: magnitudes from 0.5 to 1.
      fill<uint16_t>(tensor, seed, [](uint64_t bits) {
        return static_cast<uint16_t>((bits >> 48 & 0x83ff) | 0x3800);
      });
      break;
    default:
      if (!is_portable(dtype)) {
        return fail(Kind::kUnsupported, "no random {} tensors", dtype_name(dtype));
      }
      switch (dtype_bits(dtype)) {
        case 8:
          fill<uint8_t>(tensor, seed, bit);
          break;
        case 16:
          fill<uint16_t>(tensor, seed, bit);
          break;
        case 32:
          fill<uint32_t>(tensor, seed, bit);
          break;
        default:
          fill<uint64_t>(tensor, seed, bit);
      }
  }
  return std::move(tensor);
}

}  // namespace cloister
