// What happens to the tensors of an untrusted segment on their way out and back.
#pragma once

#include "engine/engine.h"

namespace cloister::serving {

// What a look at a worker's result came to.
struct Verification {
  bool checked = false;  // false: this one was not looked at
  bool matches = true;
  std::vector<Tensor> outputs;  // the right ones, where they were computed; otherwise as given
};

// Thread-safe. Each direction does nothing unless a transform says otherwise.
class SegmentTransform {
 public:
  virtual ~SegmentTransform() = default;

  // What is sent in place of the segment's inputs, and what is given on in place of a reply.
  virtual Result<std::vector<Tensor>> encode(std::vector<Tensor> inputs) { return inputs; }
  virtual Result<std::vector<Tensor>> decode(std::vector<Tensor> outputs) { return outputs; }

  // Whether `outputs` are what the segment makes of `inputs`. Errors are our own, not the worker's.
  virtual Result<Verification> verify(const std::vector<Tensor>& /*inputs*/,
                                      std::vector<Tensor> outputs) {
    return Verification{.outputs = std::move(outputs)};
  }
};

}  // namespace cloister::serving
