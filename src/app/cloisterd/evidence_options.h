#pragma once

#include <CLI/CLI.hpp>

#include "attest/produce/producer.h"
#include "tee/config.h"

namespace cloister {

// The flags that say where a server's evidence comes from. What the host may choose with them goes
// into the configuration; the folder of endorsements does not, since clients check those.
struct EvidenceFlags {
  std::string endorsements;

  void add_to(CLI::App& command, serve::ServerConfig& config);
  Result<std::shared_ptr<attest::Producer>> find(const serve::ServerConfig& config) const;
};

}  // namespace cloister
