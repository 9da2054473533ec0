// What bodies can run on: an engine, and one of its providers.
#pragma once

#include "profile/profile.h"

namespace cloister {

struct OpenDevices {
  profile::Engines engines;
  std::vector<std::unique_ptr<Engine>> owned;
};

// "onnxruntime-cpu", ...: all that Cloister knows of; a machine has some.
std::vector<std::string> device_names();

// The trusted engine, and the devices that are `wanted` by name, or all that this machine has.
// kUsage for a name that there is none of; errors of the engines for one that is wanted and missing
// here.
Result<OpenDevices> open_devices(const std::vector<std::string>& wanted, int threads);

}  // namespace cloister
