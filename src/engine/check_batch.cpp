#include "engine/check_batch.h"

#include <algorithm>

#include "base/checked.h"
#include "engine/random_inputs.h"
#include "tensor/compare.h"

namespace cloister {
namespace {

constexpr int kItems = 3;
constexpr double kTolerance = 1e-4;

std::vector<TensorView> views(const std::vector<NamedTensor>& tensors) {
  std::vector<TensorView> out;
  for (const NamedTensor& tensor : tensors) out.push_back(tensor.tensor.view());
  return out;
}

// The `i`-th of kItems equal parts of a batch, as a batch of 1; nothing when there are not that
// many.
std::optional<TensorView> item(const TensorView& batch, int i) {
  if (batch.shape.empty() || batch.shape[0] % kItems != 0) return std::nullopt;
  TensorView part = batch;
  part.shape[0] /= kItems;
  part.data = batch.data.subspan(batch.data.size() / kItems * i, batch.data.size() / kItems);
  return part;
}

}  // namespace

Result<> check_batch(Engine& engine, const Segment& fixed, const Segment& symbolic) {
  const auto unsupported = [](const std::string& why) {
    return fail(Kind::kUnsupported, "the batch can't be made symbolic: {}", why);
  };
  TRY(alone, engine.load(fixed));
  auto together = engine.load(symbolic);
  if (!together) return unsupported(together.error().message);
  TRY(batch, random_inputs((*together)->inputs(), kItems, 1));
  auto outputs = (*together)->run(views(batch));
  if (!outputs) return unsupported(outputs.error().message);
  for (int i = 0; i < kItems; ++i) {
    std::vector<TensorView> inputs;
    for (const NamedTensor& input : batch) {
      const auto part = item(input.tensor.view(), i);
      if (!part) return unsupported("input '" + printable(input.name) + "' has no batch");
      inputs.push_back(*part);
    }
    TRY(wanted, alone->run(inputs));
    for (size_t k = 0; k < wanted.size(); ++k) {
      const std::string name = "output '" + printable(alone->outputs()[k].name) + "'";
      const auto part = item((*outputs)[k].view(), i);
      if (!part || part->shape != wanted[k].shape()) {
        return unsupported(fmt::format("{} is {} for {} items and {} for one", name,
                                       shape_text((*outputs)[k].shape()), kItems,
                                       shape_text(wanted[k].shape())));
      }
      TRY(difference, compare(*part, wanted[k].view()));
      if (difference.relative() > kTolerance) {
        return unsupported(fmt::format("{} of an item depends on the other items ({:.2g} apart)",
                                       name, difference.relative()));
      }
    }
  }
  return {};
}

}  // namespace cloister
