// Reading by index; scatter.cpp writes.
#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

Values gather(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor& indices = call.in(1);
  const int64_t axis = axis_of(call.integer("axis", 0), x.dim());
  Ints shape = sizes_of(x);
  const Ints middle = sizes_of(indices);
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin() + axis, middle.begin(), middle.end());
  return {x.index_select(axis, from_front(indices.flatten(), x.size(axis))).reshape(shape)};
}

Values gather_elements(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.integer("axis", 0), x.dim());
  return {x.gather(axis, from_front(call.in(1), x.size(axis)))};
}

Values gather_nd(const Call& call) {
  at::Tensor x = call.in(0);
  at::Tensor indices = call.in(1).to(at::kLong);
  const int64_t batch = call.integer("batch_dims", 0);
  const int64_t depth = indices.size(-1);
  c10::List<c10::optional<at::Tensor>> picks;
  // The batch axes are indexed by their own numbers.
  for (int64_t i = 0; i < batch; ++i) {
    Ints shape(static_cast<size_t>(indices.dim() - 1), 1);
    shape[static_cast<size_t>(i)] = -1;
    picks.push_back(at::arange(x.size(i), indices.options()).reshape(shape));
  }
  for (int64_t i = 0; i < depth; ++i) {
    picks.push_back(from_front(indices.select(-1, i), x.size(batch + i)));
  }
  return {at::index(x, picks)};
}

Values one_hot(const Call& call) {
  const at::Tensor& indices = call.in(0);
  const auto depth = static_cast<int64_t>(call.scalar(1, 0));
  const int64_t axis = axis_of(call.integer("axis", -1), indices.dim() + 1);
  const at::Tensor at_front = from_front(indices, depth).unsqueeze(axis);
  Ints shape(static_cast<size_t>(indices.dim() + 1), 1);
  shape[static_cast<size_t>(axis)] = -1;
  const at::Tensor hot = at_front == at::arange(depth, at_front.options()).reshape(shape);
  return {at::where(hot, call.in(2).select(0, 1), call.in(2).select(0, 0))};
}

Values top_k(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.integer("axis", -1), x.dim());
  const int64_t k = call.opset() < 10 ? call.integer("k", 1) : call.ints(1).at(0);
  const bool largest = call.integer("largest", 1) != 0;
  // Among equals the first is taken, which topk does not promise.
  const auto [values, indices] = at::sort(x, true, axis, largest);
  return {values.narrow(axis, 0, k), indices.narrow(axis, 0, k)};
}

template <at::Tensor (*Function)(const at::Tensor&, c10::optional<int64_t>, bool)>
Values arg(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.integer("axis", 0), x.dim());
  const bool keep = call.integer("keepdims", 1) != 0;
  if (call.integer("select_last_index", 0) == 0) return {Function(x, axis, keep)};
  return {x.size(axis) - 1 - Function(x.flip(axis), axis, keep)};
}

Values cumulative_sum(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.ints(1).at(0), x.dim());
  const bool reverse = call.integer("reverse", 0) != 0;
  at::Tensor y = reverse ? x.flip(axis) : x;
  at::Tensor sums = y.cumsum(axis, x.scalar_type());
  if (call.integer("exclusive", 0) != 0) sums = sums - y;
  return {reverse ? sums.flip(axis) : sums};
}

Values triangle(const Call& call) {
  const int64_t k = call.has(1) ? call.ints(1).at(0) : 0;
  return {call.integer("upper", 1) != 0 ? call.in(0).triu(k) : call.in(0).tril(k)};
}

Values non_zero(const Call& call) {
  return {at::nonzero(call.in(0)).t()};
}

Values compress(const Call& call) {
  at::Tensor x = call.in(0);
  int64_t axis = 0;
  if (call.has_attribute("axis")) {
    axis = axis_of(call.integer("axis", 0), x.dim());
  } else {
    x = x.flatten();
  }
  return {x.index_select(axis, at::nonzero(call.in(1)).flatten())};
}

Values reverse_sequence(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t time = axis_of(call.integer("time_axis", 0), x.dim());
  const int64_t batch = axis_of(call.integer("batch_axis", 1), x.dim());
  const Ints lengths = call.ints(1);
  Values rows;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const at::Tensor row = x.narrow(batch, static_cast<int64_t>(i), 1);
    rows.push_back(at::cat({row.narrow(time, 0, lengths[i]).flip(time),
                            row.narrow(time, lengths[i], x.size(time) - lengths[i])},
                           time));
  }
  return {at::cat(rows, batch)};
}

}  // namespace

OperatorFamily indexing_operators() {
  return {
      {"ArgMax", arg<at::argmax>},
      {"ArgMin", arg<at::argmin>},
      {"Compress", compress},
      {"CumSum", cumulative_sum, host({1})},
      {"Gather", gather},
      {"GatherElements", gather_elements},
      {"GatherND", gather_nd},
      {"NonZero", non_zero},
      {"OneHot", one_hot, host({1})},
      {"ReverseSequence", reverse_sequence, host({1})},
      {"TopK", top_k, host({1})},
      {"Trilu", triangle, host({1})},
  };
}

}  // namespace cloister::ops
