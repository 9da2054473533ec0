#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cloister {

// A model, or a piece of one, ready for an engine. Plain data: graph/ and bundle/ make it, engine/
// runs it.
struct Segment {
  // A file of external data that is in memory, under the name that the model has for it.
  struct File {
    std::string name;
    Bytes bytes;
    std::shared_ptr<const void> owner;  // of the bytes
  };

  // A serialized ONNX ModelProto. Initializers listed in `weights` are marked as external data in
  // it and carry none.
  std::string model;
  // The values of those initializers, wherever they are: a mapped file, decrypted memory, ... Not
  // copied before an engine loads them.
  std::vector<NamedTensor> weights;
  // What other external initializers refer to; engines are given one or the other. Nothing is
  // looked for on disk beside them.
  std::vector<File> files = {};
};

}  // namespace cloister
