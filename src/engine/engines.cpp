#include "engine/engines.h"

#include <algorithm>

#include "base/words.h"
#include "engine/onnxruntime.h"
#include "engine/torch.h"

namespace cloister {
namespace {

constexpr EngineInfo kEngines[] = {
    {.name = "onnxruntime",
     .title = "ONNX Runtime",
     .meaning = "ONNX Runtime, as cloisterd has it",
     .version = onnxruntime_version,
     .providers = known_onnxruntime_providers,
     .make =
         [](const EngineOptions& o) {
           return make_onnxruntime({.provider = o.provider, .threads = o.threads});
         }},
    {.name = "torch",
     .title = "LibTorch",
     .meaning = "LibTorch, as training and audits have it",
     .version = torch_version,
     .providers =
         [] {
           return std::vector<std::string>(std::begin(kTorchDevices), std::end(kTorchDevices));
         },
     .make =
         [](const EngineOptions& o) {
           return make_torch({.device = o.provider, .threads = o.threads});
         }},
};

}  // namespace

std::span<const EngineInfo> engines() {
  return kEngines;
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const EngineInfo& info : kEngines) names.emplace_back(info.name);
  return names;
}

std::vector<std::string> provider_names() {
  std::vector<std::string> names;
  for (const EngineInfo& info : kEngines) {
    for (std::string& name : info.providers()) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
  }
  return names;
}

Result<const EngineInfo*> find_engine(std::string_view name) {
  const auto found = std::ranges::find(kEngines, name, &EngineInfo::name);
  if (found != std::end(kEngines)) return found;
  return fail(Kind::kUsage, "no engine '{}'; want {}", printable(std::string(name), 40),
              or_text(engine_names()));
}

}  // namespace cloister
