#include "serving/parts.h"

#include <algorithm>

namespace cloister::serving {
namespace {

constexpr uint64_t kCacheBytes = 1 << 20;

// What runs together, one list of inputs for each job, or part of one, that it is of.
struct Group {
  std::vector<std::vector<Tensor>> inputs;
  int64_t items = 0;
};

// Tensor `spec` of each list.
std::vector<Tensor> column(const std::vector<std::vector<Tensor>>& lists, size_t spec) {
  std::vector<Tensor> tensors;
  for (const std::vector<Tensor>& list : lists) tensors.push_back(list[spec]);
  return tensors;
}

Result<std::vector<Group>> group(const std::vector<Job>& jobs, int64_t most) {
  std::vector<Group> groups;
  for (const Job& job : jobs) {
    for (int64_t begin = 0; begin < job.items; begin += most) {
      const int64_t count = std::min(most, job.items - begin);
      auto inputs = count == job.items ? job.inputs : slice(job.inputs, job.items, begin, count);
      if (!inputs) return std::unexpected(inputs.error());
      if (groups.empty() || groups.back().items + count > most) groups.emplace_back();
      groups.back().inputs.push_back(std::move(*inputs));
      groups.back().items += count;
    }
  }
  return groups;
}

}  // namespace

Result<std::vector<Part>> parts_of(const std::vector<Job>& jobs, int64_t most) {
  TRY(groups, group(jobs, most));
  std::vector<Part> parts;
  for (Group& one : groups) {
    Part part{.items = one.items};
    if (one.inputs.size() == 1) {
      part.inputs = std::move(one.inputs[0]);
    } else {
      for (size_t i = 0; i < one.inputs[0].size(); ++i) {
        TRY(tensor, concatenate(column(one.inputs, i)));
        part.inputs.push_back(std::move(tensor));
      }
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

int64_t items_at_once(const Job& job, const std::vector<TensorSpec>& features) {
  uint64_t bytes = 1;  // of one item; what is not known counts as nothing
  for (const TensorSpec& spec : features) {
    Shape shape = spec.dims;
    if (!shape.empty()) shape[0] = 1;
    bytes += byte_count(spec.dtype, shape).value_or(0);
  }
  for (const Tensor& input : job.inputs) {
    bytes += input.data().size() / static_cast<uint64_t>(job.items);
  }
  return std::max<int64_t>(1, static_cast<int64_t>(kCacheBytes / bytes));
}

Result<std::vector<Tensor>> join(const std::vector<Part>& parts,
                                 const std::vector<std::vector<Tensor>>& outputs) {
  if (parts.size() == 1) return outputs[0];
  std::vector<Tensor> joined;
  for (size_t i = 0; i < outputs[0].size(); ++i) {
    const std::vector<Tensor> tensors = column(outputs, i);
    for (size_t p = 0; p < parts.size(); ++p) {
      const Shape& shape = tensors[p].shape();
      if (shape.empty() || shape[0] != parts[p].items) {
        return fail(Kind::kInternal, "an output is {}, want {} items as its first dimension",
                    shape_text(shape), parts[p].items);
      }
    }
    TRY(tensor, concatenate(tensors));
    joined.push_back(std::move(tensor));
  }
  return joined;
}

}  // namespace cloister::serving
