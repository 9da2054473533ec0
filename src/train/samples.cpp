#include "train/samples.h"

#include <cmath>
#include <cstring>

namespace cloister {
namespace {

template <typename T>
Result<> check_finite(const TensorView& inputs) {
  const std::span<const T> values = inputs.as<T>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      const size_t row = values.size() / static_cast<size_t>(inputs.shape[0]);
      return invalid("inputs that are not finite: sample {} has a {}", i / row, values[i]);
    }
  }
  return {};
}

}  // namespace

Result<ArraySamples> ArraySamples::make(const TensorView& inputs, const TensorView& labels) {
  if (inputs.shape.empty() || labels.shape.empty() || inputs.shape[0] != labels.shape[0]) {
    return invalid("inputs are {}, labels {}: their first dimensions must be equal",
                   shape_text(inputs.shape), shape_text(labels.shape));
  }
  if (inputs.data.empty()) return invalid("no samples");
  if (inputs.dtype == DType::kF32) TRY_OK(check_finite<float>(inputs));
  if (inputs.dtype == DType::kF64) TRY_OK(check_finite<double>(inputs));
  return ArraySamples(inputs, labels);
}

Result<Tensor> ArraySamples::inputs(std::span<const int64_t> picked,
                                    std::optional<uint64_t> /*seed*/) {
  return gather_rows(inputs_, picked);
}

Result<Tensor> gather_rows(const TensorView& all, std::span<const int64_t> picked) {
  Shape shape = all.shape;
  shape[0] = static_cast<int64_t>(picked.size());
  TRY(out, Tensor::make(all.dtype, shape));
  const size_t row = all.data.size() / static_cast<size_t>(all.shape[0]);
  std::byte* to = out.mutable_data().data();
  for (const int64_t index : picked) {
    std::memcpy(to, all.data.data() + static_cast<size_t>(index) * row, row);
    to += row;
  }
  return std::move(out);
}

}  // namespace cloister
