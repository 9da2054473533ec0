#include "app/profile/devices.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/engines.h"

namespace cloister {
namespace {

struct DeviceInfo {
  std::string name;
  const EngineInfo* engine;
  std::string provider;
};

std::vector<DeviceInfo> all_devices() {
  std::vector<DeviceInfo> all;
  for (const EngineInfo& engine : engines()) {
    for (const std::string& provider : engine.providers()) {
      all.push_back({fmt::format("{}-{}", engine.name, provider), &engine, provider});
    }
  }
  return all;
}

profile::Runner runner_of(const DeviceInfo& device, Engine* engine) {
  return {.name = device.name,
          .engine = fmt::format("{} {}", device.engine->title, device.engine->version()),
          .overlaps = device.provider != "cpu",
          .use = engine};
}

Result<std::unique_ptr<Engine>> make_engine(const DeviceInfo& device, int threads) {
  return device.engine->make({.provider = device.provider, .threads = threads});
}

}  // namespace

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (DeviceInfo& device : all_devices()) names.push_back(std::move(device.name));
  return names;
}

Result<OpenDevices> open_devices(const std::vector<std::string>& wanted, int threads) {
  const std::vector<std::string> known = device_names();
  for (const std::string& name : wanted) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return fail(Kind::kUsage, "--devices: no '{}'; want some of {}", printable(name, 40),
                fmt::join(known, ", "));
  }
  const std::vector<DeviceInfo> all = all_devices();
  OpenDevices open;
  TRY(trusted, make_engine(all.front(), threads));
  open.engines.trusted = runner_of(all.front(), trusted.get());
  open.owned.push_back(std::move(trusted));
  for (const DeviceInfo& device : all) {
    const bool asked = std::ranges::find(wanted, device.name) != wanted.end();
    if (!wanted.empty() && !asked) continue;
    if (device.name == all.front().name) {
      open.engines.devices.push_back(runner_of(device, nullptr));
      continue;
    }
    auto engine = make_engine(device, threads);
    // What was not asked for by name may be missing here: a GPU, say.
    if (!engine && !asked) continue;
    if (!engine) return std::unexpected(engine.error());
    open.engines.devices.push_back(runner_of(device, engine->get()));
    open.owned.push_back(std::move(*engine));
  }
  return open;
}

}  // namespace cloister
