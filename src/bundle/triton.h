// A bundle's body as a model repository of NVIDIA Triton. In the tool only.
#pragma once

#include "bundle/bundle.h"

namespace cloister::bundle {

// config.pbtxt of the body. kUnsupported for types that Triton has not.
Result<std::string> triton_config(const Manifest& manifest);

// Writes REPO/NAME/config.pbtxt and REPO/NAME/VERSION/ with the model, and returns the latter.
// Versions that are there already stay; the same one is not replaced (kUsage). kUsage for a
// bundle without a body.
Result<fs::path> export_triton(const Bundle& bundle, const fs::path& repository);

}  // namespace cloister::bundle
