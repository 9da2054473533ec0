// A segment as a LibTorch module: differentiable and trainable. Includes LibTorch's headers, so
// only the audit and the trainer include it.
#pragma once

#include <torch/nn/module.h>

#include "engine/engine.h"
#include "graph/model.h"

namespace cloister {

namespace ops {
struct Plan;
}

// Parameters and buffers are registered under the names of the ONNX initializers (a dot in a name
// makes a module of what is before it, so that named_parameters() gives the name back). Floating
// point initializers of rank 1 and more are parameters, but for the running statistics of
// BatchNormalization, which are buffers like the scalars; integers are neither. Made in eval mode,
// on the CPU; `to(device)` moves it. train() gives BatchNormalization the batch's statistics (the
// running ones follow) and makes Dropout active; LibTorch's generator draws its numbers.
class SegmentModule : public torch::nn::Module {
 public:
  // kUnsupported for an operator or type that is not implemented, naming node and operator.
  static Result<std::shared_ptr<SegmentModule>> make(const Model& model);
  static Result<std::shared_ptr<SegmentModule>> make(const Segment& segment);

  ~SegmentModule() override;

  const std::vector<TensorSpec>& inputs() const { return inputs_; }
  const std::vector<TensorSpec>& outputs() const { return outputs_; }

  // One tensor for each input spec, in order; gives one for each output spec. Gradients flow to
  // inputs and parameters alike. The shapes of `inputs` are not checked against the specs: what the
  // operators accept will do. kInvalid or kUnsupported when an operator refuses, naming the node.
  // Thread-safe in eval mode.
  Result<std::vector<at::Tensor>> forward(const std::vector<at::Tensor>& inputs) const;

  // The same by name.
  Result<std::map<std::string, at::Tensor>> forward(
      const std::map<std::string, at::Tensor>& inputs) const;

  // All parameters and buffers, under the names of their initializers.
  const std::map<std::string, at::Tensor>& weights() const { return weights_; }

 private:
  explicit SegmentModule(std::unique_ptr<ops::Plan> plan);
  void register_weights();
  torch::nn::Module& branch(const std::string& path);

  std::unique_ptr<ops::Plan> plan_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
  std::map<std::string, at::Tensor> weights_;
  std::map<std::string, std::shared_ptr<torch::nn::Module>> branches_;
};

// `model` with the module's parameters and buffers in place of its initializers of those names: the
// model that the module was made from, or a larger one that it is a segment of. kInvalid when a
// name, type or shape does not fit.
Result<Model> write_back(const SegmentModule& module, const Model& model);

}  // namespace cloister
