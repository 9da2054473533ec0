#pragma once

#include "profile/record.h"

namespace cloister::profile {

// What it takes this process to load a model with ONNX Runtime and run it: growth of its resident
// memory, the engine's own included. To be called once, first thing in a process made for it, since
// memory that was freed before would be used again. Weights should be external data, which is
// mapped: they count while the model is loaded, as decrypted ones do. kIo where /proc does not tell
// (Linux only).
Result<Memory> memory_to_run(const fs::path& model, int64_t batch, int threads);

}  // namespace cloister::profile
