#pragma once

#include <memory>

#include "engine/engine.h"

namespace cloister::serving {

// What runs the model of link/echo.h: it computes nothing, so that only the way there and back
// takes time. Thread-safe.
std::unique_ptr<Program> echo_program();

}  // namespace cloister::serving
