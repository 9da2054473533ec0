#pragma once

#include <CLI/CLI.hpp>

#include "attest/produce/attester.h"
#include "tee/config.h"

namespace cloister {

// The flags that say where a server's evidence comes from. What the host may choose with them goes
// into the configuration; the folder of endorsements does not, since clients check those.
struct EvidenceFlags {
  std::string endorsements;

  void add_to(CLI::App& command, serving::ServerConfig& config);
  Result<std::shared_ptr<attest::Attester>> find(const serving::ServerConfig& config) const;
};

}  // namespace cloister
