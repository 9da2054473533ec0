// What an attacker is to rebuild: the model's input as people see it. Includes LibTorch's headers.
#pragma once

#include <ATen/ATen.h>

#include "data/table_encoder.h"
#include "image/preprocess.h"

namespace cloister::audit {

// Pictures: item is [C,H,W], values in [0,1], channels in the order of `preprocess`. Rows of a
// table: item is [width], encoded as `columns` say. Plain data.
struct InputSpace {
  Shape item;
  Preprocess preprocess;            // pictures
  std::vector<ColumnCode> columns;  // rows; empty: pictures

  bool is_table() const { return !columns.empty(); }
};

// Inputs [N, item...] as the model takes them: scaled and normalised pictures in the model's
// layout; rows as they are. Differentiable.
at::Tensor to_model_input(const InputSpace& space, const at::Tensor& inputs);

// A network's raw answer as an input: pictures through a sigmoid; of rows, categories through a
// softmax, and what says that a number is missing through a sigmoid. Differentiable, f32.
at::Tensor from_raw(const InputSpace& space, const at::Tensor& raw);

}  // namespace cloister::audit
