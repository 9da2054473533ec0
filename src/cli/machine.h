#pragma once

#include <string>

namespace cloister {

// The machine in a line for people: processor, cores, memory, kernel.
std::string machine_text();

}  // namespace cloister
