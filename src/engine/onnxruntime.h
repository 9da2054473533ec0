// ONNX Runtime as an engine.
#pragma once

#include "engine/engine.h"

namespace cloister {

struct OnnxRuntimeOptions {
  // One of known_onnxruntime_providers(); refused (kUnsupported) when the installed runtime lacks
  // it.
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

// Names of providers, as OnnxRuntimeOptions takes them: of all that Cloister can use, "cpu" first,
// and of those among them that the installed runtime was built with.
std::vector<std::string> known_onnxruntime_providers();
std::vector<std::string> onnxruntime_providers();

}  // namespace cloister
