// Rows of a table as attackers see them.
#include "audit/attack/input_kinds.h"

namespace cloister::audit {
namespace rows {
namespace {

// A column's features, [N, width].
at::Tensor features_of(const ColumnCode& column, const at::Tensor& rows) {
  const auto first = static_cast<int64_t>(column.first);
  return rows.slice(1, first, first + static_cast<int64_t>(column.width));
}

bool is_one_hot(const ColumnCode& column) {
  return column.categorical && column.width > 1;
}

at::Tensor from_stored(const at::Tensor& stored) {
  return stored;
}

at::Tensor to_model_input(const InputSpace&, const at::Tensor& inputs) {
  return inputs;
}

at::Tensor from_raw(const InputSpace& space, const at::Tensor& raw) {
  const at::Tensor x = raw.to(at::kFloat);
  std::vector<at::Tensor> parts;
  for (const ColumnCode& column : space.columns) {
    const at::Tensor features = features_of(column, x);
    if (column.categorical) {
      parts.push_back(is_one_hot(column) ? features.softmax(1) : features);
      continue;
    }
    parts.push_back(features.slice(1, 0, 1));
    if (column.indicator) parts.push_back(features.slice(1, 1).sigmoid());
  }
  return at::cat(parts, 1);
}

at::Tensor loss(const InputSpace& space, const at::Tensor& rebuilt, const at::Tensor& inputs) {
  at::Tensor sum = at::zeros({}, rebuilt.options());
  for (const ColumnCode& column : space.columns) {
    const at::Tensor a = features_of(column, rebuilt), b = features_of(column, inputs);
    if (is_one_hot(column)) {
      sum = sum - (b * (a + 1e-6).log()).sum(1).mean();
      continue;
    }
    sum = sum + at::huber_loss(a.slice(1, 0, 1), b.slice(1, 0, 1));
    if (column.indicator) {
      sum = sum + at::binary_cross_entropy(a.slice(1, 1, 2), b.slice(1, 1, 2));
    }
  }
  return sum / static_cast<double>(space.columns.size());
}

at::Tensor roughness(const at::Tensor& inputs, const at::Tensor& mean) {
  return (inputs - mean).square().mean(1) * 0.01;
}

void clamp(at::Tensor&) {}

at::Tensor typical(const InputSpace& space, const at::Tensor& inputs) {
  at::Tensor row = std::get<0>(inputs.median(0)).unsqueeze(0).clone();
  for (const ColumnCode& column : space.columns) {
    if (!is_one_hot(column)) continue;
    const auto mode = features_of(column, inputs).mean(0).argmax().item<int64_t>();
    at::Tensor slots = features_of(column, row);
    slots.zero_();
    slots[0][mode] = 1;
  }
  return row;
}

std::vector<at::Tensor> constants(const InputSpace& space, const at::Tensor& inputs) {
  return {typical(space, inputs)};
}

}  // namespace
}  // namespace rows

const InputOperations kRowOperations = {.kind = InputKind::kRows,
                                        .from_stored = rows::from_stored,
                                        .to_model_input = rows::to_model_input,
                                        .from_raw = rows::from_raw,
                                        .loss = rows::loss,
                                        .roughness = rows::roughness,
                                        .clamp = rows::clamp,
                                        .make_generator = make_row_generator,
                                        .make_discriminator = make_row_discriminator,
                                        .typical = rows::typical,
                                        .constants = rows::constants};

}  // namespace cloister::audit
