// Feature maps as vectors of a bearable length, for attackers that compare or read them whole.
#pragma once

#include "audit/attack/pairs.h"

namespace cloister::audit {

inline constexpr int64_t kMaxFlatFeatures = 8192;  // of one map

// All rows of the view, f32 [n, features] on the CPU. A larger map is averaged over neighbouring
// pixels until it fits.
Result<at::Tensor> flat_maps(const FeatureView& view);

}  // namespace cloister::audit
