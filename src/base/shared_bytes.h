#pragma once

#include <memory>

#include "base/bytes.h"

namespace cloister {

// Bytes together with whatever keeps them alive. Copies share them.
struct SharedBytes {
  Bytes bytes;
  std::shared_ptr<const void> owner;
};

}  // namespace cloister
