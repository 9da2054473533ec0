#include "audit/attack/input_space.h"

namespace cloister::audit {
namespace {

at::Tensor per_channel(const std::vector<double>& values, const at::Tensor& like) {
  return at::tensor(values, like.options()).reshape({1, -1, 1, 1});
}

}  // namespace

at::Tensor to_model_input(const InputSpace& space, const at::Tensor& inputs) {
  if (space.is_table()) return inputs;
  const Preprocess& p = space.preprocess;
  const at::Tensor x =
      (inputs * (255 * p.scale) - per_channel(p.mean, inputs)) / per_channel(p.std, inputs);
  return p.layout == Layout::kNhwc ? x.permute({0, 2, 3, 1}) : x;
}

at::Tensor from_raw(const InputSpace& space, const at::Tensor& raw) {
  const at::Tensor x = raw.to(at::kFloat);
  if (!space.is_table()) return x.sigmoid();
  std::vector<at::Tensor> parts;
  for (const ColumnCode& column : space.columns) {
    const auto first = static_cast<int64_t>(column.first);
    const auto end = first + static_cast<int64_t>(column.width);
    if (column.categorical) {
      const at::Tensor slots = x.slice(1, first, end);
      parts.push_back(column.width > 1 ? slots.softmax(1) : slots);
    } else {
      parts.push_back(x.slice(1, first, first + 1));
      if (column.indicator) parts.push_back(x.slice(1, first + 1, end).sigmoid());
    }
  }
  return at::cat(parts, 1);
}

}  // namespace cloister::audit
