// The trusted part of a cut, as its attacker knows it: LibTorch's module, differentiable.
#pragma once

#include "audit/attack/input_space.h"
#include "engine/torch/segment_module.h"

namespace cloister::audit {

using Maps = std::vector<at::Tensor>;  // the tensors that cross, [N, ...] each, f32

class Head {
 public:
  // `tensors`: names of the head's outputs that cross. kUnsupported for a model that LibTorch can't
  // run, has not one input that is not held, or whose crossing tensors are not floating-point;
  // kInvalid for a held input that does not fit.
  static Result<std::shared_ptr<const Head>> make(const Model& head,
                                                  const std::vector<std::string>& tensors,
                                                  InputSpace space, at::Device device);

  // The feature maps of inputs [N, item...]. With gradients unless a guard says otherwise.
  // kInvalid when a dimension does not fit, or the maps don't treat inputs apart. Thread-safe.
  Result<Maps> run(const at::Tensor& inputs) const;

  const std::vector<std::string>& tensors() const { return tensors_; }
  const InputSpace& space() const { return space_; }
  at::Device device() const { return device_; }

 private:
  Head(std::shared_ptr<SegmentModule> module, std::vector<at::Tensor> held,
       std::vector<size_t> outputs, std::vector<std::string> tensors, InputSpace space,
       at::Device device)
      : module_(std::move(module)),
        held_(std::move(held)),
        outputs_(std::move(outputs)),
        tensors_(std::move(tensors)),
        space_(std::move(space)),
        device_(device) {}

  std::shared_ptr<SegmentModule> module_;
  std::vector<at::Tensor> held_;  // by input of the module; undefined: the attacked one
  std::vector<size_t> outputs_;   // of the module, for each of tensors_
  std::vector<std::string> tensors_;
  InputSpace space_;
  at::Device device_;
};

}  // namespace cloister::audit
