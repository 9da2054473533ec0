// What a model's segments have to do and to hold, from its graph alone.
#pragma once

#include "graph/cuts.h"
#include "profile/record.h"

namespace cloister::profile {

// At one cut, for one item of the batch; bytes of tensors of unknown size count as 0.
struct CutWork {
  Work before;
  uint64_t head_live_bytes = 0;  // most that tensors of the head take at once
  uint64_t tail_live_bytes = 0;  // of what comes after the cut
};

struct ModelWork {
  Work total;
  uint64_t live_bytes = 0;
  std::vector<CutWork> cuts;  // one for each of the list's
};

ModelWork model_work(const Graph& graph, const CutList& cuts);

}  // namespace cloister::profile
