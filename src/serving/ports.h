#pragma once

#include "bundle/manifest.h"
#include "engine/engine.h"

namespace cloister::serve {

// A manifest's ports as those of an engine.
inline std::vector<Port> ports_of(const std::vector<bundle::Port>& entries) {
  std::vector<Port> ports;
  for (const bundle::Port& entry : entries) {
    ports.push_back({entry.name, entry.dtype, entry.dims});
  }
  return ports;
}

}  // namespace cloister::serve
