#include "audit/attack/precision.h"

#include <fstream>
#include <string>

#include "engine/torch/memory.h"

namespace cloister::audit {

at::ScalarType training_type(at::Device device) {
  if (device.is_cuda()) return at::kBFloat16;
  static const bool multiplies_bf16 = [] {
    std::ifstream info("/proc/cpuinfo");
    for (std::string word; info >> word;) {
      if (word == "avx512_bf16" || word == "amx_bf16") return true;
      if (word == "bogomips") break;  // the first processor's entry is over
    }
    return false;
  }();
  return multiplies_bf16 ? at::kBFloat16 : at::kFloat;
}

void tune_for_training() {
  at::globalContext().setFlushDenormal(true);
  at::globalContext().setAllowTF32CuBLAS(true);
  at::globalContext().setAllowTF32CuDNN(true);
  keep_freed_memory();
}

}  // namespace cloister::audit
