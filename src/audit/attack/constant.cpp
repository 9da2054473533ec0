#include "audit/attack/baselines.h"
#include "audit/attack/input_kinds.h"

namespace cloister::audit {

Result<at::Tensor> guess_constant(const Known& known, const Unseen& unseen) {
  const auto repeat = [](const at::Tensor& one, int64_t times) {
    Shape shape = one.sizes().vec();
    shape[0] = times;
    return one.expand(shape).contiguous();
  };
  at::Tensor best;
  double highest = 0;
  for (const at::Tensor& candidate :
       operations_of(*known.space).constants(*known.space, known.inputs)) {
    TRY(value, known.score(repeat(candidate, known.validation)));
    if (best.defined() && value <= highest) continue;
    highest = value;
    best = candidate;
  }
  return repeat(best, unseen.count);
}

}  // namespace cloister::audit
