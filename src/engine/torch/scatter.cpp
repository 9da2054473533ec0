#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

at::Tensor scatter_with(const at::Tensor& x, int64_t axis, const at::Tensor& indices,
                        const at::Tensor& updates, const std::string& reduction) {
  if (reduction == "none") return x.scatter(axis, indices, updates);
  if (reduction == "add") return x.scatter_add(axis, indices, updates);
  const std::map<std::string, const char*> names = {
      {"mul", "prod"}, {"max", "amax"}, {"min", "amin"}};
  const auto name = names.find(reduction);
  if (name == names.end()) reject("reduction '{}'", reduction);
  return x.scatter_reduce(axis, indices, updates, name->second);
}

Values scatter_elements(const Call& call) {
  const at::Tensor& x = call.in(0);
  const int64_t axis = axis_of(call.integer("axis", 0), x.dim());
  return {scatter_with(x, axis, from_front(call.in(1), x.size(axis)), call.in(2),
                       call.text("reduction", "none"))};
}

// As a scatter of rows: the indexed axes flattened into one, and the rest into another.
Values scatter_nd(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor indices = call.in(1).to(at::kLong);
  const int64_t depth = indices.size(-1);
  at::Tensor flat = at::zeros(sizes_of(indices.select(-1, 0)), indices.options());
  int64_t rows = 1;
  for (int64_t i = 0; i < depth; ++i) {
    flat = flat * x.size(i) + from_front(indices.select(-1, i), x.size(i));
    rows *= x.size(i);
  }
  const int64_t width = rows == 0 ? 0 : x.numel() / rows;
  const at::Tensor row_indices = flat.reshape({-1, 1}).expand({-1, width});
  return {scatter_with(x.reshape({rows, width}), 0, row_indices, call.in(2).reshape({-1, width}),
                       call.text("reduction", "none"))
              .reshape(x.sizes())};
}

}  // namespace

OperatorFamily scatter_operators() {
  return {
      {"Scatter", scatter_elements},
      {"ScatterElements", scatter_elements},
      {"ScatterND", scatter_nd},
  };
}

}  // namespace cloister::ops
