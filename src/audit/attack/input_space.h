// What an attacker is to rebuild: the model's input as people see it.
#pragma once

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
};

}  // namespace cloister::audit
