#include "app/cloisterd/reload.h"

#include <algorithm>
#include <sstream>

#include "base/log.h"
#include "base/parse_file.h"
#include "cli/guard_process.h"
#include "cli/program.h"
#include "cli/read_keys.h"

namespace cloister {
namespace {

constexpr uint64_t kMaxWorkersFile = 1 << 20;
constexpr size_t kMostWorkers = 1000;

// A worker a line; empty lines and those that begin with '#' say nothing.
Result<std::vector<Endpoint>> parse_workers(const std::string& text) {
  std::vector<Endpoint> endpoints;
  std::istringstream lines(text);
  std::string line;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == line.npos || line[begin] == '#') continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
    auto endpoint = parse_endpoint(line);
    if (!endpoint) return with_context(std::move(endpoint).error(), fmt::format("line {}", number));
    endpoints.push_back(std::move(*endpoint));
    if (endpoints.size() > kMostWorkers) return invalid("more than {} workers", kMostWorkers);
  }
  if (endpoints.empty()) return invalid("no worker is in it");
  return endpoints;
}

}  // namespace

void log_kept(std::string_view what, const Error& error) {
  log(LogLevel::kWarn, "not read again", {{"kept", what}, {"why", error.message}});
}

void ReloadFlags::add_workers_to(CLI::App& command, serving::ServerConfig& config) {
  command
      .add_option("--worker", config.workers,
                  "Open Inference Protocol v2 server that has the body: http[s]://HOST:PORT, or "
                  "with /v2/models/NAME if it has another name there; or unix:PATH for a "
                  "cloister-worker on this machine that shares memory (repeatable)")
      ->type_name("URL")
      ->allow_extra_args(false);
  command
      .add_option("--workers-file", config.workers_file,
                  "file with further workers, one a line; read again at each SIGHUP")
      ->type_name("FILE");
}

void ReloadFlags::add_certificate_to(CLI::App& command, serving::ServerConfig& config) {
  auto* const name =
      command.add_option("--name", config.names, "name or address in the certificate")
          ->type_name("NAME")
          ->allow_extra_args(false);
  auto* const cert =
      command
          .add_option("--tls-cert", tls_cert,
                      "PEM certificate, followed by its issuers, for clients that require one of "
                      "yours in addition to the evidence (--ca); read again at each SIGHUP; by "
                      "default one is made at each start, whose key never leaves this process")
          ->type_name("FILE")
          ->excludes(name);
  auto* const key = command.add_option("--tls-key", tls_key, "its PEM key")->type_name("FILE");
  cert->needs(key);
  key->needs(cert);
}

Result<std::vector<Endpoint>> ReloadFlags::read_workers(const serving::ServerConfig& config) {
  std::vector<Endpoint> workers;
  for (const std::string& text : config.workers) {
    TRY(endpoint, typed(parse_endpoint(text)));
    workers.push_back(std::move(endpoint));
  }
  if (!config.workers_file.empty()) {
    TRY(more, parse_file(config.workers_file, kMaxWorkersFile, parse_workers));
    workers.insert(workers.end(), more.begin(), more.end());
  }
  // Beside files, evidence and threads: a connection for each link, and one to look with, a worker;
  // where memory is shared, a descriptor of that too.
  const auto sharing = std::ranges::count_if(
      workers, [](const Endpoint& endpoint) { return !endpoint.socket.empty(); });
  TRY_OK(need_descriptors(config.max_connections,
                          64 + (workers.size() + static_cast<size_t>(sharing)) *
                                   (static_cast<size_t>(config.links) + 1)));
  return workers;
}

bool ReloadFlags::may_share_memory(const serving::ServerConfig& config) {
  const auto shares = [](const std::string& text) {
    const auto endpoint = parse_endpoint(text);
    return endpoint && !endpoint->socket.empty();
  };
  return !config.workers_file.empty() || std::ranges::any_of(config.workers, shares);
}

Result<std::optional<net::TlsIdentity>> ReloadFlags::read_certificate() const {
  if (tls_cert.empty()) return std::nullopt;
  return read_tls_identity(tls_cert, tls_key);
}

void ReloadFlags::reload_workers(const serving::ServerConfig& config,
                                 serving::TrustedServer& server) {
  if (config.workers_file.empty()) return;
  const auto done = [&]() -> Result<> {
    TRY(workers, read_workers(config));
    return server.replace_workers(workers);
  }();
  if (!done) log_kept("workers", done.error());
}

void ReloadFlags::reload_certificate(serving::TrustedServer& server) const {
  auto certificate = read_certificate();
  if (!certificate) return log_kept("certificate", certificate.error());
  if (!*certificate) return;
  const auto done = server.replace_certificate(std::move(**certificate));
  if (!done) return log_kept("certificate", done.error());
  log(LogLevel::kInfo, "certificate replaced", {{"file", tls_cert}});
}

}  // namespace cloister
