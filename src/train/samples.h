// What a model is trained on. Does not need LibTorch's headers.
#pragma once

#include <optional>
#include <span>

#include "tensor/tensor.h"

namespace cloister {

// Inputs are made when they are wanted, so that they need not all be in memory at once.
class Samples {
 public:
  virtual ~Samples() = default;

  virtual int64_t count() const = 0;

  // One for each sample along the first dimension: classes, an integer [N]; or wanted outputs, f32.
  virtual TensorView labels() const = 0;

  // The inputs of these samples, in this order, along the first dimension. `seed`, which is there
  // in training alone, is what augmentation draws from: the same gives the same.
  virtual Result<Tensor> inputs(std::span<const int64_t> picked, std::optional<uint64_t> seed) = 0;
};

// Arrays in memory, which must outlive it.
class ArraySamples final : public Samples {
 public:
  // kInvalid for no samples, other counts of inputs and labels, and inputs that are not finite.
  static Result<ArraySamples> make(const TensorView& inputs, const TensorView& labels);

  int64_t count() const override { return inputs_.shape[0]; }
  TensorView labels() const override { return labels_; }
  Result<Tensor> inputs(std::span<const int64_t> picked, std::optional<uint64_t> seed) override;

 private:
  ArraySamples(TensorView inputs, TensorView labels)
      : inputs_(std::move(inputs)), labels_(std::move(labels)) {}

  TensorView inputs_;
  TensorView labels_;
};

// Rows `picked` of `all`, along the first dimension; they must be in range.
Result<Tensor> gather_rows(const TensorView& all, std::span<const int64_t> picked);

}  // namespace cloister
