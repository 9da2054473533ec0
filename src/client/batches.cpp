#include "client/batches.h"

#include <algorithm>

#include "tensor/items.h"

namespace cloister::serving {
namespace {

// 0: none that they have in common.
int64_t items_of(const std::vector<NamedTensor>& inputs) {
  if (inputs.empty() || inputs[0].tensor.shape().empty()) return 0;
  const int64_t items = inputs[0].tensor.shape()[0];
  const bool same = std::ranges::all_of(inputs, [&](const NamedTensor& input) {
    const Shape& shape = input.tensor.shape();
    return !shape.empty() && shape[0] == items && dtype_bits(input.tensor.dtype()) % 8 == 0;
  });
  return same ? items : 0;
}

Result<Tensor> join(const std::vector<std::vector<NamedTensor>>& outputs, size_t output) {
  const Tensor& head = outputs[0][output].tensor;
  const std::span<const int64_t> item = std::span(head.shape()).subspan(1);
  std::vector<Tensor> parts;
  for (const auto& piece : outputs) {
    const Tensor& part = piece[output].tensor;
    if (part.dtype() != head.dtype() ||
        !std::ranges::equal(std::span(part.shape()).subspan(1), item)) {
      return fail(Kind::kUnsupported, "{} for some items and {} for others",
                  shape_text(head.shape()), shape_text(part.shape()));
    }
    parts.push_back(part);
  }
  return concatenate(parts);
}

}  // namespace

std::vector<std::vector<NamedTensor>> split_items(const std::vector<NamedTensor>& inputs,
                                                  int64_t most) {
  const int64_t items = items_of(inputs);
  if (most < 1 || items <= most) return {inputs};
  std::vector<std::vector<NamedTensor>> pieces;
  for (int64_t first = 0; first < items; first += most) {
    std::vector<NamedTensor>& piece = pieces.emplace_back();
    for (const NamedTensor& input : inputs) {
      auto part = slice_items(input.tensor, first, std::min(most, items - first));
      if (!part) return {inputs};
      piece.push_back({input.name, std::move(*part)});
    }
  }
  return pieces;
}

Result<std::vector<NamedTensor>> join_items(const std::vector<std::vector<NamedTensor>>& pieces,
                                            std::vector<std::vector<NamedTensor>> outputs) {
  if (outputs.size() == 1) return std::move(outputs[0]);
  std::vector<NamedTensor> joined;
  for (size_t o = 0; !outputs.empty() && o < outputs[0].size(); ++o) {
    const std::string& name = outputs[0][o].name;
    for (size_t p = 0; p < outputs.size(); ++p) {
      const Shape& shape = outputs[p][o].tensor.shape();
      const int64_t items = pieces[p][0].tensor.shape()[0];
      if (shape.empty() || shape[0] != items || dtype_bits(outputs[p][o].tensor.dtype()) % 8 != 0) {
        return fail(Kind::kUnsupported,
                    "output '{}' is {} for {} items, want one for each: ask for fewer at once",
                    printable(name), shape_text(shape), items);
      }
    }
    auto tensor = join(outputs, o);
    if (!tensor) return with_context(tensor.error(), fmt::format("output '{}'", printable(name)));
    joined.push_back({name, std::move(*tensor)});
  }
  return joined;
}

}  // namespace cloister::serving
