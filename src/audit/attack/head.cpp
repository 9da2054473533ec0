#include "audit/attack/head.h"

#include <algorithm>

#include "audit/attack/input_kinds.h"

namespace cloister::audit {

Result<std::shared_ptr<const Head>> Head::make(const Model& head,
                                               const std::vector<std::string>& tensors,
                                               InputSpace space, at::Device device) {
  TRY(module, SegmentModule::make(head));
  if (module->inputs().size() != 1) {
    return fail(Kind::kUnsupported, "the head has {} inputs, an audit can attack 1",
                module->inputs().size());
  }
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
  return std::shared_ptr<const Head>(
      new Head(std::move(module), std::move(outputs), tensors, std::move(space), device));
}

Result<Maps> Head::run(const at::Tensor& inputs) const try {
  TRY(all, module_->forward(Maps{operations_of(space_).to_model_input(space_, inputs)}));
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
