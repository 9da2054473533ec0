#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cloister {

// A model, or a piece of one, ready for an engine. Plain data: graph/ and bundle/ make it, engine/
// runs it.
struct Segment {
  // A serialized ONNX ModelProto. Initializers listed in `weights` are marked as external data in
  // it and carry none.
  std::string model;
  // The values of those initializers, wherever they are: a mapped file, decrypted memory, ... Not
  // copied before an engine loads them.
  std::vector<NamedTensor> weights;
};

}  // namespace cloister
