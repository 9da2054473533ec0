#include <map>
#include <random>

#include "audit/attack/baselines.h"

namespace cloister::audit {

Result<at::Tensor> guess_same_class(const Known& known, const Unseen& unseen) {
  std::map<int64_t, std::vector<int64_t>> of_class;
  for (int64_t i = 0; i < known.labels.size(0); ++i) {
    of_class[known.labels[i].item<int64_t>()].push_back(i);
  }
  std::mt19937_64 random(unseen.seed);
  std::vector<int64_t> picked;
  for (int64_t i = 0; i < unseen.count; ++i) {
    const auto& same = of_class[unseen.labels[i].item<int64_t>()];
    const auto draw = random();
    picked.push_back(same.empty()
                         ? static_cast<int64_t>(draw % static_cast<uint64_t>(known.inputs.size(0)))
                         : same[draw % same.size()]);
  }
  return known.inputs.index_select(0, at::tensor(picked, at::kLong)).contiguous();
}

}  // namespace cloister::audit
