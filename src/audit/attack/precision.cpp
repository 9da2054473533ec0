#include "audit/attack/precision.h"

#include <malloc.h>

#include <limits>

namespace cloister::audit {

at::ScalarType training_type(at::Device device) {
  if (device.is_cuda()) return at::kBFloat16;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return at::kBFloat16;
#endif
  return at::kFloat;
}

void tune_for_training() {
  at::globalContext().setFlushDenormal(true);
  at::globalContext().setAllowTF32CuBLAS(true);
  at::globalContext().setAllowTF32CuDNN(true);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace cloister::audit
