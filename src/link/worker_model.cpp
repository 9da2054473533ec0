#include "link/worker_model.h"

#include <algorithm>

namespace cloister {
namespace {

// Dimensions are compared from the last one backwards, as far as both have them and fix them.
bool agree(const Shape& want, const Shape& got) {
  if (std::max(want.size(), got.size()) - std::min(want.size(), got.size()) > 1) return false;
  return std::equal(want.rbegin(), want.rbegin() + std::min(want.size(), got.size()), got.rbegin(),
                    [](int64_t a, int64_t b) { return a < 0 || b < 0 || a == b; });
}

Result<> check_specs(std::string_view what, const std::vector<TensorSpec>& want,
                     const std::vector<TensorSpec>& got) {
  if (got.size() != want.size()) {
    return invalid("its model has {} {}s, want {}", got.size(), what, want.size());
  }
  for (const TensorSpec& spec : want) {
    const TensorSpec* const found = find_spec(got, spec.name);
    if (found == nullptr) return invalid("its model has no {} '{}'", what, printable(spec.name));
    if (found->dtype != spec.dtype || !agree(spec.dims, found->dims)) {
      return invalid("its model's {} '{}' is {}, want {}", what, printable(spec.name),
                     spec_text(*found), spec_text(spec));
    }
  }
  return {};
}

}  // namespace

Result<> check_worker_model(const oip::ModelMetadata& described, const WorkerModel& wanted) {
  if (!wanted.segment_sha256.empty() && !described.segment_sha256.empty() &&
      wanted.segment_sha256 != described.segment_sha256) {
    return invalid("its model is segment {}, want {}", printable(described.segment_sha256),
                   wanted.segment_sha256);
  }
  TRY_OK(check_specs("input", wanted.specs.inputs, described.inputs));
  return check_specs("output", wanted.specs.outputs, described.outputs);
}

Shape dims_of(const TensorSpec& spec, int64_t items) {
  Shape shape = spec.dims;
  if (items > 0 && !shape.empty() && shape[0] < 0) shape[0] = items;
  return shape;
}

std::optional<uint64_t> bytes_of(const std::vector<TensorSpec>& specs, int64_t items) {
  uint64_t bytes = 0;
  for (const TensorSpec& spec : specs) {
    const auto tensor = byte_count(spec.dtype, dims_of(spec, items));
    if (!tensor || *tensor > UINT64_MAX - bytes) return std::nullopt;
    bytes += *tensor;
  }
  return bytes;
}

}  // namespace cloister
