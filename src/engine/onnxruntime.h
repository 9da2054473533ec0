// ONNX Runtime as an engine.
#pragma once

#include "engine/engine.h"

namespace cloister {

struct OnnxRuntimeOptions {
  // "cpu", "cuda" or "tensorrt"; refused (kUnsupported) when the installed runtime lacks it.
  std::string provider = "cpu";
  // Threads that work on one run, the caller's included. The first engine of a process decides the
  // size of the thread pool that all share; later engines with another count get their own. No
  // thread spins while it waits.
  int threads = 1;
  // Off: the graph runs as written (for probing types, and for comparing with other engines).
  bool optimize = true;
};

Result<std::unique_ptr<Engine>> make_onnxruntime(const OnnxRuntimeOptions& options = {});

// "1.30.0"
std::string onnxruntime_version();

// Names of the providers that the installed runtime was built with, as OnnxRuntimeOptions takes
// them.
std::vector<std::string> onnxruntime_providers();

}  // namespace cloister
