#pragma once

#include "bench/serve_load/model.h"

namespace cloister::bench {

struct SealFlags {
  std::string model, cut, folder;
  std::string name = "model";
  int64_t max_batch = 8;
};

// Writes m.cloister and key.txt into the folder: the model cut as asked, whatever leaks there,
// under keys made for it. For measurements only: what is served is sealed by `cloister seal`, which
// asks for a plan. Prints what the cut is as JSON.
Result<> seal_for_bench(const SealFlags& flags);

}  // namespace cloister::bench
