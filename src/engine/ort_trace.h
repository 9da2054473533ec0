#pragma once

#include "base/file.h"
#include "engine/engine.h"

namespace cloister {

// Runs a segment `runs` times on ONNX Runtime's CPU provider with its profiler on. Gives the
// profiler's JSON: what each kernel took, in the Chrome tracing format
// (https://onnxruntime.ai/docs/performance/tune-performance/profiling-tools.html). `folder` must be
// there; the trace is written into it and removed. Errors as Engine::load's and Program::run's,
// kIo for the file.
Result<std::string> ort_trace(const Segment& segment, int threads,
                              const std::vector<NamedTensor>& inputs, int runs,
                              const fs::path& folder);

}  // namespace cloister
