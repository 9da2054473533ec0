// Memory that runs out ends what was being done, not the process.
#pragma once

#include <new>

namespace cloister {

// Whether `work` was done. What it held when memory ran out is let go; that must not need memory.
template <typename Work>
bool survive(Work&& work) {
  try {
    work();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace cloister
