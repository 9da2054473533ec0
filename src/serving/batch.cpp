#include "serving/batch.h"

#include <algorithm>

#include "tensor/items.h"

namespace cloister::serving {
namespace {

bool same_but_first(const Tensor& a, const Tensor& b) {
  return std::ranges::equal(std::span(a.shape()).subspan(std::min<size_t>(1, a.shape().size())),
                            std::span(b.shape()).subspan(std::min<size_t>(1, b.shape().size())));
}

}  // namespace

Result<int64_t> count_items(const std::vector<TensorSpec>& specs, const std::vector<Tensor>& inputs,
                            int64_t max_batch) {
  TRY_OK(check_inputs(specs, views_of(inputs)));
  for (size_t i = 0; i < specs.size(); ++i) {
    // Operators divide by dimensions, and some engines crash.
    if (std::ranges::find(inputs[i].shape(), 0) != inputs[i].shape().end()) {
      return invalid("input '{}': got {}, want no dimension of 0", printable(specs[i].name),
                     shape_text(inputs[i].shape()));
    }
  }
  if (max_batch == 1) return 1;
  int64_t items = -1;
  for (size_t i = 0; i < specs.size(); ++i) {
    const Shape& shape = inputs[i].shape();
    const std::string name = printable(specs[i].name);
    if (shape.empty() || shape[0] < 1 || shape[0] > max_batch) {
      return invalid("input '{}': got {}, want 1 to {} items as its first dimension", name,
                     shape_text(shape), max_batch);
    }
    if (items >= 0 && shape[0] != items) {
      return invalid("input '{}': got {} items, input '{}' has {}", name, shape[0],
                     printable(specs[0].name), items);
    }
    items = shape[0];
  }
  return std::max<int64_t>(items, 1);
}

bool fit_together(const Job& a, const Job& b) {
  return std::ranges::equal(a.inputs, b.inputs, same_but_first);
}

Result<std::vector<Tensor>> stack(const std::vector<Job>& jobs) {
  if (jobs.size() == 1) return jobs[0].inputs;
  std::vector<Tensor> stacked;
  for (size_t i = 0; i < jobs[0].inputs.size(); ++i) {
    std::vector<Tensor> pieces;
    for (const Job& job : jobs) pieces.push_back(job.inputs[i]);
    TRY(tensor, concatenate(pieces));
    stacked.push_back(std::move(tensor));
  }
  return stacked;
}

Result<std::vector<Tensor>> slice(const std::vector<Tensor>& tensors, int64_t items, int64_t begin,
                                  int64_t count) {
  std::vector<Tensor> slices;
  for (const Tensor& tensor : tensors) {
    const Shape& shape = tensor.shape();
    if (shape.empty() || shape[0] != items) {
      return fail(Kind::kInternal, "an output is {}, want {} items as its first dimension",
                  shape_text(shape), items);
    }
    // The slice keeps all of the batch: answers are small and soon sent.
    TRY(part, slice_items(tensor, begin, count));
    slices.push_back(std::move(part));
  }
  return slices;
}

void answer(std::vector<Job> jobs, Result<std::vector<Tensor>> outputs,
            const std::vector<bool>& non_finite, Metrics& metrics) {
  const auto now = Clock::now();
  int64_t items = 0;
  for (const Job& job : jobs) items += job.items;
  int64_t begin = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    Job& job = jobs[i];
    metrics.time(Metrics::Stage::kTotal, seconds_between(job.queued, now));
    job.inputs.clear();  // let go before the answer is sent
    auto part = outputs && jobs.size() > 1 ? slice(*outputs, items, begin, job.items) : outputs;
    begin += job.items;
    if (part) {
      job.done(Answer{std::move(*part), !non_finite.empty() && non_finite[i]});
    } else {
      job.done(std::unexpected(std::move(part.error())));
    }
  }
}

}  // namespace cloister::serving
