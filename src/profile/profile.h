// Measures what every cut of a model costs on this machine. Not every cut is run: a few anchors are
// measured whole; between them, times follow ONNX Runtime's profiler and memory the graph's
// (docs/design/009-profile.md).
#pragma once

#include <functional>

#include "link/link.h"
#include "profile/measure.h"

namespace cloister::profile {

// What loading and running the model in a process of its own takes there.
using MemoryProbe = std::function<Result<Memory>(const Model&)>;

// Called between steps with what is done so far, 0 to 1; an error ends the work.
using ProgressCallback = std::function<Result<>(double done_share, const std::string& text)>;

struct ProfileOptions {
  Settings settings;
  size_t anchors = 8;             // cuts measured whole, spread over the model's time
  size_t checks = 3;              // others, kept out of the interpolation to see its error
  std::vector<std::string> also;  // ids of cuts to be measured besides
  Link* link = nullptr;           // never null: to a worker with the echo model (link/echo.h)
  std::string link_name = "http";
  fs::path folder;  // for files that are removed again
};

struct Engines {
  Runner trusted;
  std::vector<Runner> devices;  // one without engine is the trusted one
};

// Fills `frame` (tool, machine and model are the caller's) in. A device whose engine refuses the
// model is left out, with a note; so are cuts of unknown size. kInvalid for a model without cuts.
// Not thread-safe: nothing else should run meanwhile.
Result<ProfileRecord> profile_model(const Graph& graph, const CutList& cuts, Engines engines,
                                    const ProfileOptions& options, const MemoryProbe& memory_of,
                                    ProfileRecord frame, const ProgressCallback& tick);

}  // namespace cloister::profile
