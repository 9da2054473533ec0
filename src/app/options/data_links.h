// Where links beside a model may lead: for every command that reads one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "graph/external_data.h"

namespace cloister {

struct DataLinkOptions {
  std::vector<std::string> folders;

  // --allow-links-under
  void add_to(CLI::App& command, const char* group);
  // With the cache of the Hugging Face hub, where the environment says that it is. kUsage for a
  // folder that is not there.
  Result<DataLinks> read() const;
};

// The folder of the Hugging Face hub's cache, found as its own tools find it; `get` is getenv().
// Empty where nothing says. Thread-safe if `get` is.
fs::path hub_cache(const std::function<const char*(const char*)>& get);

}  // namespace cloister
