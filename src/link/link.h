// How the trusted side reaches one worker, of which nothing is believed.
#pragma once

#include <chrono>

#include "tensor/spec.h"

namespace cloister {

using Seconds = std::chrono::duration<double>;

class Link {
 public:
  virtual ~Link() = default;

  // What the worker's model takes and gives.
  virtual const TensorSpecs& specs() const = 0;

  // Runs `inputs`, in the order of specs().inputs, on the worker, and gives its outputs in the
  // order of specs().outputs. They have the types and shapes that were promised; a first dimension
  // that is not fixed is `items`, or anything for 0. Values are not checked. Errors: kUnavailable
  // (no connection, or it was lost), kDeadline (`limit` came first), kRefused (the worker says that
  // it is busy), kInternal (it says that it failed), kInvalid (anything that a correct worker does
  // not send), kUnsupported (our own: these inputs can't be sent), kIo (our own: out of descriptors
  // or memory). Thread-safe.
  virtual Result<std::vector<Tensor>> call(const std::vector<Tensor>& inputs, int64_t items,
                                           Seconds limit) = 0;

  // Whether the worker is there, ready, has a model of these specs, and takes requests for it:
  // kRefused if it does not, which is tried once as long as the worker is there; kIo says nothing
  // of the worker. Takes up to three times `limit`. Thread-safe.
  virtual Result<> probe(Seconds limit) = 0;
};

}  // namespace cloister
