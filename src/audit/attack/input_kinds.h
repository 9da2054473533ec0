// What attackers do with a kind of input: one row each, one file each (pictures.cpp, rows.cpp).
// Includes LibTorch's headers.
#pragma once

#include "audit/attack/generator.h"

namespace cloister::audit {

// Pure functions, thread-safe. Inputs are f32 [N, item...]. Differentiable where it says so.
struct InputOperations {
  InputKind kind;

  // Inputs as an audit's data holds them, in the values of InputSpace.
  at::Tensor (*from_stored)(const at::Tensor& stored);

  // Inputs as the model takes them: scaled and normalised pictures in the model's layout; rows as
  // they are. Differentiable.
  at::Tensor (*to_model_input)(const InputSpace& space, const at::Tensor& inputs);

  // A network's raw answer as an input: pictures through a sigmoid; of rows, categories through a
  // softmax, and what says that a number is missing through a sigmoid. Differentiable.
  at::Tensor (*from_raw)(const InputSpace& space, const at::Tensor& raw);

  // What attackers minimise: how far reconstructions are from their inputs, a scalar. Pictures: L1
  // + (1 - SSIM), SSIM on 8x8 boxes 4 pixels apart instead of a Gaussian window, which is as good a
  // guide and far cheaper. Rows: squared error of numbers (at most 1 counts whole, more by its
  // root: Huber), cross entropy of categories. Differentiable.
  at::Tensor (*loss)(const InputSpace& space, const at::Tensor& rebuilt, const at::Tensor& inputs);

  // How unlikely inputs are, f32 [N]. Of pictures their total variation, of rows the squared
  // distance from `mean` [1, item...]. Differentiable.
  at::Tensor (*roughness)(const at::Tensor& inputs, const at::Tensor& mean);

  // Moves values that no input has to the nearest that one has, in place.
  void (*clamp)(at::Tensor& inputs);

  // Networks for maps of these shapes, without the batch.
  std::shared_ptr<Generator> (*make_generator)(const Shape& item, const std::vector<Shape>& maps,
                                               const NetworkSize& size);
  std::shared_ptr<Discriminator> (*make_discriminator)(const Shape& item,
                                                       const std::vector<Shape>& maps,
                                                       const NetworkSize& size);

  // The one input that is nearest to all of `inputs`, [1, item...]: the mean of pictures; medians
  // of numbers and the most frequent categories of rows.
  at::Tensor (*typical)(const InputSpace& space, const at::Tensor& inputs);

  // Answers that are worth trying for every input, [1, item...] each.
  std::vector<at::Tensor> (*constants)(const InputSpace& space, const at::Tensor& inputs);
};

extern const InputOperations kPictureOperations;
extern const InputOperations kRowOperations;

const InputOperations& operations_of(InputKind kind);

inline const InputOperations& operations_of(const InputSpace& space) {
  return operations_of(space.kind);
}

}  // namespace cloister::audit
