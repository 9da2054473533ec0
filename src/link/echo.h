// The model that links are measured with: `cloister-worker --echo` serves it, `cloister profile`
// sends it tensors of all sizes.
#pragma once

#include "tensor/spec.h"

namespace cloister {

inline constexpr char kEchoModel[] = "echo";

// x f32[?]; y f32[1], its first value, or 0 where there is none (servers refuse that).
inline TensorSpecs echo_specs() {
  return {{{"x", DType::kF32, {-1}}}, {{"y", DType::kF32, {1}}}};
}

}  // namespace cloister
