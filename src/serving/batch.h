// Requests that run together: along the first dimension of every tensor.
#pragma once

#include <chrono>
#include <functional>

#include "engine/engine.h"
#include "net/body_buffer.h"
#include "serving/metrics.h"

namespace cloister::serving {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// What a request gets: one tensor for each output, in spec order.
struct Answer {
  std::vector<Tensor> outputs;
  bool non_finite = false;  // the worker's result holds values that are not finite
};

// One request on its way. `done` is called once, from any thread.
struct Job {
  std::vector<Tensor> inputs;  // in spec order, checked by count_items
  int64_t items = 1;
  Clock::time_point deadline;
  std::move_only_function<void(Result<Answer>)> done;
  Clock::time_point queued = {};  // set by Batcher
  net::BudgetShare memory = {};   // of the inputs, as far as they are not the request's body
};

// Checks a request's inputs against the specs of a model that takes batches of up to `max_batch`
// items, and counts its items. With max_batch 1 the specs' dimensions are all that count. kInvalid
// otherwise, naming the input, what was found and what is wanted.
Result<int64_t> count_items(const std::vector<TensorSpec>& specs, const std::vector<Tensor>& inputs,
                            int64_t max_batch);

// Whether both can run in one batch: all dimensions but the first are the same.
bool fit_together(const Job& a, const Job& b);

// The inputs of all jobs, one tensor for each spec. Of a single job its own, not copied.
Result<std::vector<Tensor>> stack(const std::vector<Job>& jobs);

// The items [begin, begin + count) of tensors whose first dimension is the batch; they share
// memory. kInternal when a tensor has another first dimension than `items`.
Result<std::vector<Tensor>> slice(const std::vector<Tensor>& tensors, int64_t items, int64_t begin,
                                  int64_t count);

// Gives each job its share of what their batch gave, or the error. `non_finite`: by job; empty:
// none.
void answer(std::vector<Job> jobs, Result<std::vector<Tensor>> outputs,
            const std::vector<bool>& non_finite, Metrics& metrics);

}  // namespace cloister::serving
