#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "attest/produce/attester.h"
#include "bundle/bundle.h"
#include "tee/config.h"

namespace cloister {

// The flags that say where cloisterd gets the keys of its bundle.
struct KeyFlags {
  std::string identity;
  int identity_fd = -1;
  std::string key_server_ca;

  void add_to(CLI::App& command, serving::ServerConfig& config);
  // Reads the authority's file, once, and puts its digest into the configuration. Before get().
  Result<> read(serving::ServerConfig& config);

  struct Keys {
    std::vector<age::Identity> identities;
    bundle::WrappedKeys headers;  // that a key server released for them
  };
  // From a file, a descriptor, or a key server, which is asked again for as long as it can't
  // answer; nothing: SIGTERM came first. kRefused when the key server says no.
  // kOnce, for a further bundle: a key server is asked once only, and a descriptor was read
  // before.
  enum class When { kAtStart, kOnce };
  Result<std::optional<Keys>> get(const bundle::Bundle& bundle, const serving::ServerConfig& config,
                                  const std::string& config_sha256, const std::string& tool,
                                  attest::Attester& producer, When when) const;

 private:
  std::string ca_pem_;
};

}  // namespace cloister
