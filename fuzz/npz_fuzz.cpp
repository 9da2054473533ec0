// parse_npz: no archive crashes it or makes it exceed its limit, and every array that it accepts
// can be written as .npy.
#include <cstdlib>

#include "tensor/npz.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kLimit = 1 << 20;
  const auto arrays = parse_npz({reinterpret_cast<const std::byte*>(data), size}, kLimit);
  if (!arrays) return 0;
  uint64_t total = 0;
  for (const NamedTensor& array : *arrays) {
    total += array.tensor.data().size();
    if (!npy_header(array.tensor.view())) std::abort();
  }
  if (total > kLimit) std::abort();
  return 0;
}
