#pragma once

#include "bundle/bundle.h"
#include "tensor/segment.h"

namespace cloister {

// A plain segment of a bundle as LibTorch's engine takes it, with its weights by name.
Result<Segment> torch_segment(const bundle::Bundle& bundle, const std::string& name);

}  // namespace cloister
