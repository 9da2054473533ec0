#pragma once

#include <CLI/CLI.hpp>

#include "tee/trusted_server.h"

namespace cloister {

// What cloisterd reads at start and again at each SIGHUP: the file of its workers, and the
// certificate that it was given.
struct ReloadFlags {
  std::string tls_cert, tls_key;

  // --worker and --workers-file.
  void add_workers_to(CLI::App& command, serving::ServerConfig& config);
  // --name, --tls-cert and --tls-key.
  void add_certificate_to(CLI::App& command, serving::ServerConfig& config);

  // Those of --worker, then those of the file; there are descriptors for them and all connections.
  static Result<std::vector<net::Url>> read_workers(const serving::ServerConfig& config);
  // Nothing: none was given.
  Result<std::optional<net::TlsIdentity>> read_certificate() const;

  // Reads all of it again. What can't be used is logged, and the server goes on with what it has.
  void reload(const serving::ServerConfig& config, serving::TrustedServer& server) const;
};

}  // namespace cloister
