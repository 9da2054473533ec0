#include "audit/attack/head.h"

#include <algorithm>

#include "audit/attack/input_kinds.h"
#include "engine/torch/convert.h"

namespace cloister::audit {
namespace {

// By input of the module; undefined where it is not held.
Result<std::vector<at::Tensor>> held_inputs(const std::vector<TensorSpec>& inputs,
                                            const std::vector<NamedTensor>& held,
                                            at::Device device) {
  std::vector<at::Tensor> out;
  size_t free = 0;
  for (const TensorSpec& input : inputs) {
    at::Tensor& value = out.emplace_back();
    const auto found = std::ranges::find(held, input.name, &NamedTensor::name);
    if (found == held.end()) {
      ++free;
      continue;
    }
    const Tensor& given = found->tensor;
    if (!fits(input, given.dtype(), given.shape(), {.items = 1})) {
      return invalid("public input '{}': got {}{}, want {}", printable(input.name),
                     dtype_name(given.dtype()), shape_text(given.shape()), spec_text(input, 1));
    }
    TRY(converted, to_torch(given.view()));
    value = converted.to(device);
  }
  if (free == 1) return out;
  return fail(Kind::kUnsupported, "the head has {} inputs that are not public, an audit attacks 1",
              free);
}

at::Tensor for_batch(const at::Tensor& held, const TensorSpec& input, int64_t items) {
  if (input.dims.empty() || input.dims[0] >= 0) return held;
  std::vector<int64_t> shape = held.sizes().vec();
  shape[0] = items;
  return held.expand(shape);
}

}  // namespace

Result<std::shared_ptr<const Head>> Head::make(const Model& head,
                                               const std::vector<std::string>& tensors,
                                               InputSpace space, at::Device device) {
  TRY(module, SegmentModule::make(head));
  TRY(held, held_inputs(module->inputs(), space.held, device));
  std::vector<size_t> outputs;
  for (const std::string& name : tensors) {
    const auto found = std::ranges::find(module->outputs(), name, &TensorSpec::name);
    if (found == module->outputs().end()) {
      return fail(Kind::kInternal, "the head does not output '{}'", printable(name));
    }
    outputs.push_back(static_cast<size_t>(found - module->outputs().begin()));
  }
  // What is known to the attacker is not trained.
  for (at::Tensor& weight : module->parameters()) weight.set_requires_grad(false);
  module->to(device);
  return std::shared_ptr<const Head>(new Head(
      std::move(module), std::move(held), std::move(outputs), tensors, std::move(space), device));
}

Result<Maps> Head::run(const at::Tensor& inputs) const try {
  Maps given;
  for (size_t i = 0; i < held_.size(); ++i) {
    given.push_back(held_[i].defined() ? for_batch(held_[i], module_->inputs()[i], inputs.size(0))
                                       : operations_of(space_).to_model_input(space_, inputs));
  }
  TRY(all, module_->forward(given));
  Maps maps;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    at::Tensor map = all[outputs_[i]];
    if (map.dim() < 1 || map.size(0) != inputs.size(0)) {
      return invalid("tensor '{}' is {} for {} inputs: its first dimension is not the batch",
                     printable(tensors_[i]), shape_text(map.sizes().vec()), inputs.size(0));
    }
    maps.push_back(map.to(at::kFloat));
  }
  return maps;
} catch (const std::exception& error) {
  return fail(Kind::kUnsupported, "running the head: {}", printable(error.what(), 400));
}

}  // namespace cloister::audit
