// An input or output of a program, a segment or a model, and whether a tensor is one.
#pragma once

#include <optional>

#include "tensor/tensor.h"

namespace cloister {

// A dimension of -1 is not fixed: the batch, say, which is the first one.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> dims;
  // The most that dimensions which are not fixed may be, one for each of `dims`, -1 where there is
  // no bound; empty: none has one.
  std::vector<int64_t> most = {};

  // Of that dimension; nothing: there is none.
  std::optional<int64_t> bound(size_t axis) const {
    if (axis >= most.size() || most[axis] < 0) return std::nullopt;
    return most[axis];
  }

  bool operator==(const TensorSpec&) const = default;
};

// What takes some tensors and gives others.
struct TensorSpecs {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

struct FitOptions {
  // What a first dimension that is not fixed must be; 0: anything.
  int64_t items = 0;
  // No dimensions stand for a tensor of which not even the rank is known; otherwise for a scalar.
  bool may_be_unranked = false;
};

// Whether a tensor of this type and shape is what `spec` promises.
bool fits(const TensorSpec& spec, DType dtype, const Shape& shape, const FitOptions& options = {});

// "f32[?,3,224,224]", "i64[?,?<=512]" with a bound; the first dimension as `items`, if it is not
// fixed and they are not 0.
std::string spec_text(const TensorSpec& spec, int64_t items = 0);

// Null: there is none of that name.
const TensorSpec* find_spec(const std::vector<TensorSpec>& specs, std::string_view name);

// "'a', 'b'", safe to print.
std::string spec_names(const std::vector<TensorSpec>& specs);

}  // namespace cloister
