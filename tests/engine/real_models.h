// The models of ../shared/data/models.
#pragma once

#include <unistd.h>

#include <cstdlib>

#include "base/file.h"

namespace cloister::test {

inline constexpr const char* kRealModels[] = {"efficientnet_b4_blocks0-21", "resnet18", "resnet50",
                                              "squeezenet1_1"};

inline fs::path packed_model(const std::string& name) {
  return fs::path(CLOISTER_MODELS) / (name + ".onnx.xz");
}

// The model unpacked into the build folder, once.
inline Result<fs::path> unpack(const fs::path& packed) {
  const fs::path folder = CLOISTER_UNPACKED;
  const fs::path path = folder / packed.stem();
  if (fs::exists(path)) return path;
  fs::create_directories(folder);
  const std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  const std::string command = fmt::format("xz -dkc '{}' > '{}'", packed.string(), temporary);
  if (std::system(command.c_str()) != 0) return fail(Kind::kIo, "can't run: {}", command);
  fs::rename(temporary, path);
  return path;
}

}  // namespace cloister::test
