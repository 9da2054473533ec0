// Inputs of more items than a server takes at once, in pieces. Pure functions, thread-safe.
#pragma once

#include "tensor/tensor.h"

namespace cloister::serving {

// The inputs in pieces of at most `most` items each, in order; an item is one place of the first
// dimension. Pieces share the inputs' memory. One piece, the inputs as they are, where the tensors'
// first dimensions differ or are no more than `most`, and for packed types, whose items share
// bytes.
std::vector<std::vector<NamedTensor>> split_items(const std::vector<NamedTensor>& inputs,
                                                  int64_t most);

// What a model gave for each of these pieces, one behind the other. kUnsupported, naming the
// output, where one does not have an item for each of the piece's.
Result<std::vector<NamedTensor>> join_items(const std::vector<std::vector<NamedTensor>>& pieces,
                                            std::vector<std::vector<NamedTensor>> outputs);

}  // namespace cloister::serving
