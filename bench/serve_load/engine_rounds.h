#pragma once

#include "bench/serve_load/model.h"
#include "bench/serve_load/round.h"

namespace cloister::bench {

struct EngineFlags {
  std::string model;
  std::string cut;  // empty: in one piece only
  int64_t batch = 1;
  int threads = 1;
  uint64_t seed = 1;
};

// The model in this process, without anything around it, in rounds as stdin asks for them.
Result<> run_engine(const EngineFlags& flags, const Round& defaults);

}  // namespace cloister::bench
