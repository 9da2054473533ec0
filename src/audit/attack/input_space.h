// What an attacker is to rebuild: the model's input as people see it.
#pragma once

#include <algorithm>

#include "data/input_kind.h"
#include "data/table_encoder.h"
#include "image/preprocess.h"

namespace cloister::audit {

// Pictures: item is [C,H,W], values in [0,1], channels in the order of `preprocess`. Rows of a
// table: item is [width], encoded as `columns` say. Plain data.
struct InputSpace {
  InputKind kind = InputKind::kPictures;
  Shape item;
  Preprocess preprocess;            // pictures
  std::vector<ColumnCode> columns;  // rows
  // The model's other inputs, which are no secret: the same for all. A first dimension of 1 stands
  // for a batch of any size where the model's is free.
  std::vector<NamedTensor> held = {};
};

inline bool is_held(const InputSpace& space, std::string_view input) {
  return std::ranges::find(space.held, input, &NamedTensor::name) != space.held.end();
}

}  // namespace cloister::audit
