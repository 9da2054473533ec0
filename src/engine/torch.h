// LibTorch as an engine. This header does not need LibTorch's; what trains or differentiates
// includes torch/segment_module.h.
#pragma once

#include "engine/engine.h"

namespace cloister {

inline constexpr std::string_view kTorchDevices[] = {"cpu", "cuda"};

struct TorchOptions {
  // One of kTorchDevices; refused (kUnsupported) when the installed LibTorch lacks it.
  std::string device = "cpu";
  // Threads that work on one run, for the whole process; 0 leaves LibTorch's own choice.
  int threads = 0;
};

// kUnsupported from a build without LibTorch (CLOISTER_TORCH=OFF).
Result<std::unique_ptr<Engine>> make_torch(const TorchOptions& options = {});

// "1.13.1"; empty in a build without LibTorch.
std::string torch_version();

}  // namespace cloister
