#include "engine/torch/plan.h"

namespace cloister::ops {
namespace {

bool is_host_input(const Step& step, size_t i) {
  return i < 32 && (step.host_inputs >> i & 1) != 0;
}

// Integers and shapes are computed on the CPU; where they meet data on a device, they follow it.
void bring_together(const Step& step, Values& inputs) {
  const at::Tensor* far = nullptr;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined() && !inputs[i].is_cpu() && !is_host_input(step, i)) far = &inputs[i];
  }
  if (far == nullptr) return;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined() && inputs[i].is_cpu() && !is_host_input(step, i)) {
      inputs[i] = inputs[i].to(far->device());
    }
  }
}

bool is_half(const at::Tensor& tensor) {
  return tensor.defined() &&
         (tensor.scalar_type() == at::kHalf || tensor.scalar_type() == at::kBFloat16);
}

bool is_missing_kernel(const c10::Error& error) {
  return std::string_view(error.what_without_backtrace()).find("not implemented for") !=
         std::string_view::npos;
}

// LibTorch lacks many kernels for 16-bit floats on the CPU: computes in f32 and rounds.
Values run_widened(const Step& step, const Call& call) {
  Values wide = call.inputs;
  at::ScalarType type = at::kHalf;
  for (at::Tensor& input : wide) {
    if (!is_half(input)) continue;
    type = input.scalar_type();
    input = input.to(at::kFloat);
  }
  Values outputs = step.run({call.node, wide, call.training});
  for (at::Tensor& output : outputs) {
    if (output.scalar_type() == at::kFloat) output = output.to(type);
  }
  return outputs;
}

Values run_operator(const Step& step, const Call& call) {
  try {
    return step.run(call);
  } catch (const c10::Error& error) {
    if (!is_missing_kernel(error) || !std::ranges::any_of(call.inputs, is_half)) throw;
  }
  return run_widened(step, call);
}

void run_step(const Step& step, Frame& frame, bool training) {
  Values inputs;
  inputs.reserve(step.inputs.size());
  for (const Slot slot : step.inputs) {
    inputs.push_back(slot == kNoSlot ? at::Tensor() : frame[static_cast<size_t>(slot)]);
  }
  bring_together(step, inputs);
  const Call call{step.node, inputs, training};
  Values outputs =
      step.run == nullptr ? run_control_flow(step, call, frame) : run_operator(step, call);
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    if (step.outputs[i] == kNoSlot) continue;
    if (i >= outputs.size()) refuse("output {} is not implemented", i);
    frame[static_cast<size_t>(step.outputs[i])] = std::move(outputs[i]);
  }
}

std::string first_line(std::string_view text) {
  return printable(text.substr(0, text.find('\n')), 400);
}

}  // namespace

void run_block(const Block& block, Frame& frame, bool training) {
  for (const auto& [slot, value] : block.constants) frame[static_cast<size_t>(slot)] = value;
  for (const Step& step : block.steps) {
    const auto named = [&](Kind kind, const std::string& what) {
      return Refusal(kind, step.node.label + ": " + what);
    };
    try {
      run_step(step, frame, training);
    } catch (const Refusal& refusal) {
      throw named(refusal.kind(), refusal.what());
    } catch (const c10::Error& error) {
      throw named(is_missing_kernel(error) ? Kind::kUnsupported : Kind::kInvalid,
                  first_line(error.what_without_backtrace()));
    } catch (const std::exception& error) {
      throw named(Kind::kInvalid, first_line(error.what()));
    }
    for (const Slot slot : step.release) frame[static_cast<size_t>(slot)] = at::Tensor();
  }
}

}  // namespace cloister::ops
