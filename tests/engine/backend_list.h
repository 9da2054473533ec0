// Every case of the ONNX project's backend tests through the reader, the extractor and an engine,
// whole and, where there is a cut, in two.
#pragma once

#include <span>
#include <string>

#include "base/file.h"
#include "engine/engine.h"

namespace cloister::test {

// Why cases that fail do.
struct Cause {
  const char* cases;  // a regular expression
  const char* why;
};

// What does not pass is compared with the file `list`: any drift from it, for better or worse,
// fails, unless it is the list of another `version` ("ONNX Runtime 1.30.0") of the engine.
// CLOISTER_UPDATE=1 in the environment writes the list anew.
void check_backend_list(Engine& engine, const std::string& version, std::span<const Cause> causes,
                        const fs::path& list);

}  // namespace cloister::test
