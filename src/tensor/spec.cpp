#include "tensor/spec.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace cloister {

bool fits(const TensorSpec& spec, DType dtype, const Shape& shape, const FitOptions& options) {
  if (dtype != spec.dtype) return false;
  if (spec.dims.empty() && options.may_be_unranked) return true;
  if (shape.size() != spec.dims.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool is_batch = i == 0 && spec.dims[i] < 0 && options.items > 0;
    const int64_t want = is_batch ? options.items : spec.dims[i];
    if (want >= 0 ? shape[i] != want : shape[i] > spec.bound(i).value_or(shape[i])) return false;
  }
  return true;
}

std::string spec_text(const TensorSpec& spec, int64_t items) {
  std::vector<std::string> dims;
  for (size_t i = 0; i < spec.dims.size(); ++i) {
    const int64_t dim = i == 0 && spec.dims[i] < 0 && items > 0 ? items : spec.dims[i];
    const std::string bound = spec.bound(i) ? fmt::format("<={}", *spec.bound(i)) : "";
    dims.push_back(dim < 0 ? "?" + bound : std::to_string(dim));
  }
  return fmt::format("{}[{}]", dtype_name(spec.dtype), fmt::join(dims, ","));
}

const TensorSpec* find_spec(const std::vector<TensorSpec>& specs, std::string_view name) {
  const auto found = std::ranges::find(specs, name, &TensorSpec::name);
  return found == specs.end() ? nullptr : &*found;
}

std::string spec_names(const std::vector<TensorSpec>& specs) {
  std::vector<std::string> names;
  for (const TensorSpec& spec : specs) names.push_back("'" + printable(spec.name) + "'");
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace cloister
