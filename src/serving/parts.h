// A batch in parts: along the first dimension of every tensor, like batch.h.
#pragma once

#include "serving/batch.h"

namespace cloister::serving {

// Items of a batch that one run of a program takes.
struct Part {
  std::vector<Tensor> inputs;
  int64_t items = 1;
};

// The jobs' inputs, in order, as parts of at most `most` items. Nothing is copied where a part is a
// job, or some of a job's items.
Result<std::vector<Part>> parts_of(const std::vector<Job>& jobs, int64_t most);

// How many items like this job's a head should take at once, when `features` is what the body gets.
// A head works where maps are largest: items whose inputs and features do not fit into a core's own
// cache together run faster one by one, and need less of the trusted memory.
int64_t items_at_once(const Job& job, const std::vector<TensorSpec>& features);

// What the parts gave, one after the other: `outputs` has one list of tensors for each part, all
// equally long. Of one part its own, as they are; of several, kInternal when a tensor has not as
// many items as its part.
Result<std::vector<Tensor>> join(const std::vector<Part>& parts,
                                 const std::vector<std::vector<Tensor>>& outputs);

}  // namespace cloister::serving
