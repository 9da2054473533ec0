#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/version.h>

#include <algorithm>

#include "base/words.h"
#include "engine/torch.h"
#include "engine/torch/convert.h"
#include "engine/torch/segment_module.h"

namespace cloister {
namespace {

class TorchProgram final : public Program {
 public:
  TorchProgram(std::shared_ptr<SegmentModule> module, at::Device device)
      : module_(std::move(module)), device_(device) {}

  const std::vector<TensorSpec>& inputs() const override { return module_->inputs(); }
  const std::vector<TensorSpec>& outputs() const override { return module_->outputs(); }

  Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs) override {
    TRY_OK(check_inputs(module_->inputs(), inputs));
    try {
      return run_checked(inputs);
    } catch (const std::exception& error) {  // moving data to and from a device
      return fail(Kind::kUnsupported, "LibTorch: {}", error.what());
    }
  }

 private:
  Result<std::vector<Tensor>> run_checked(const std::vector<TensorView>& inputs) {
    const c10::InferenceMode no_gradients;
    std::vector<at::Tensor> borrowed;
    for (const TensorView& input : inputs) {
      TRY(tensor, borrow_torch(input));
      // Integers stay where shapes are computed.
      borrowed.push_back(tensor.is_floating_point() ? tensor.to(device_) : tensor);
    }
    TRY(results, module_->forward(borrowed));
    std::vector<Tensor> outputs;
    for (size_t i = 0; i < results.size(); ++i) {
      // The memory of an input is the caller's.
      for (const at::Tensor& input : borrowed) {
        if (results[i].is_alias_of(input)) results[i] = results[i].clone();
      }
      TRY(output, from_torch(results[i]));
      const TensorSpec& spec = module_->outputs()[i];
      if (output.dtype() != spec.dtype) {
        return fail(Kind::kInternal, "output '{}' is {}, the model says {}", printable(spec.name),
                    dtype_name(output.dtype()), dtype_name(spec.dtype));
      }
      outputs.push_back(std::move(output));
    }
    return outputs;
  }

  std::shared_ptr<SegmentModule> module_;
  at::Device device_;
};

class TorchEngine final : public Engine {
 public:
  explicit TorchEngine(at::Device device) : device_(device) {}

  Result<std::unique_ptr<Program>> load(const Segment& segment) override {
    TRY(module, SegmentModule::make(segment));
    try {
      module->to(device_);
    } catch (const std::exception& error) {
      return fail(Kind::kUnsupported, "LibTorch: {}", error.what());
    }
    return std::make_unique<TorchProgram>(std::move(module), device_);
  }

 private:
  at::Device device_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_torch(const TorchOptions& options) {
  if (std::ranges::find(kTorchDevices, options.device) == std::end(kTorchDevices)) {
    return fail(Kind::kUsage, "no device '{}'; want {}", printable(options.device),
                or_text({std::begin(kTorchDevices), std::end(kTorchDevices)}));
  }
  if (options.threads < 0 || options.threads > 1024) {
    return fail(Kind::kUsage, "{} threads, want 0 to 1024", options.threads);
  }
  if (options.device == "cuda" && !at::hasCUDA()) {
    return fail(Kind::kUnsupported,
                "the installed LibTorch {} has no CUDA, or this machine has no GPU",
                torch_version());
  }
  if (options.threads > 0) at::set_num_threads(options.threads);
  return std::make_unique<TorchEngine>(at::Device(options.device));
}

std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace cloister
