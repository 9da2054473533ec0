#pragma once

#include <cstdint>
#include <string>

namespace cloister {

// "512 B", "784.0 KiB", "97.8 MiB"
std::string bytes_text(uint64_t bytes);

}  // namespace cloister
