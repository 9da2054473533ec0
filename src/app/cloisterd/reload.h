#pragma once

#include <CLI/CLI.hpp>

#include "tee/trusted_server.h"

namespace cloister {

// That something can't be read again, or not be used, and stays as it is.
void log_kept(std::string_view what, const Error& error);

// What cloisterd reads at start and again at each SIGHUP, beside the bundle: the file of its
// workers, and the certificate that it was given.
struct ReloadFlags {
  std::string tls_cert, tls_key;

  // --worker and --workers-file.
  void add_workers_to(CLI::App& command, serving::ServerConfig& config);
  // --name, --tls-cert and --tls-key.
  void add_certificate_to(CLI::App& command, serving::ServerConfig& config);

  // Those of --worker, then those of the file; there are descriptors for them and all connections.
  static Result<std::vector<Endpoint>> read_workers(const serving::ServerConfig& config);
  // Whether some worker may be reached over shared memory, now or after a SIGHUP.
  static bool may_share_memory(const serving::ServerConfig& config);
  // Nothing: none was given.
  Result<std::optional<net::TlsIdentity>> read_certificate() const;

  // Reads one of them again. What can't be used is logged, and the server goes on with what it has.
  static void reload_workers(const serving::ServerConfig& config, serving::TrustedServer& server);
  void reload_certificate(serving::TrustedServer& server) const;
};

}  // namespace cloister
