#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/log.h"

namespace cloister {

// The flags of a server's log, which goes to stderr.
struct LogOptions {
  std::string level = "info";
  bool json = false;

  void add_to(CLI::App& app);
  void start() const;
};

}  // namespace cloister
