// The engines that there are: one row each. It brings LibTorch along, so only programs that let the
// user choose an engine link it.
#pragma once

#include <span>

#include "engine/engine.h"

namespace cloister {

struct EngineOptions {
  std::string provider = "cpu";  // one of the engine's
  int threads = 1;               // that work on one run
};

// All that is known of an engine by its name. Plain data.
struct EngineInfo {
  std::string_view name;     // as flags and metadata say it
  std::string_view title;    // as its makers call it, for records
  std::string_view meaning;  // for --help: half a sentence without a full stop
  std::string (*version)();  // empty: not part of this build
  // What it may run on, "cpu" first; the one installed may lack some.
  std::vector<std::string> (*providers)();
  // kUsage for a provider that is not one of these, kUnsupported for one that is not installed.
  Result<std::unique_ptr<Engine>> (*make)(const EngineOptions&);
};

// The first is the one that cloisterd runs.
std::span<const EngineInfo> engines();

std::vector<std::string> engine_names();
// Of all engines, each once.
std::vector<std::string> provider_names();

// kUsage for a name that no engine has, with the names that there are.
Result<const EngineInfo*> find_engine(std::string_view name);

}  // namespace cloister
