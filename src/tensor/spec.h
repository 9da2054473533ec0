// An input or output of a program, a segment or a model, and whether a tensor is one.
#pragma once

#include "tensor/tensor.h"

namespace cloister {

// A dimension of -1 is not fixed: the batch, say, which is the first one.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> dims;

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

// "f32[?,3,224,224]"; the first dimension as `items`, if it is not fixed and they are not 0.
std::string spec_text(const TensorSpec& spec, int64_t items = 0);

// Null: there is none of that name.
const TensorSpec* find_spec(const std::vector<TensorSpec>& specs, std::string_view name);

// "'a', 'b'", safe to print.
std::string spec_names(const std::vector<TensorSpec>& specs);

}  // namespace cloister
