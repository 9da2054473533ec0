// cloisterd: the trusted server, and the only program inside the trusted environment.
#include <chrono>
#include <nlohmann/json.hpp>

#include "app/cloisterd/evidence_options.h"
#include "app/cloisterd/key_source.h"
#include "app/cloisterd/reload.h"
#include "base/file.h"
#include "base/sha256.h"
#include "cli/guard_process.h"
#include "cli/log_options.h"
#include "cli/program.h"
#include "cli/read_keys.h"
#include "cli/sandbox.h"
#include "cli/stop_signal.h"
#include "cli/version.h"
#include "tee/trusted_server.h"

namespace cloister {
namespace {

constexpr const char* kFooter =
    R"(Once it listens, it prints its port as one line of JSON on stdout. It makes its TLS key
at start and never writes it. On SIGTERM it finishes pending requests and ends. On SIGHUP it
reads --bundle, --workers-file and --tls-cert again, and no request is lost: open connections
finish on the bundle that they have verified.

Clients verify it before they send any input (docs/formats/attestation.md). Without a trusted
environment (--evidence) it runs in simulated mode, says so in its evidence, and clients refuse
it unless their policy accepts that.

Examples:
  cloisterd --bundle m.cloister --identity key.txt --signer owner.pub \
    --worker http://gpu-1:8000 --worker http://gpu-2:8000 --listen 0.0.0.0:8443
  cloisterd --bundle m.cloister --identity-fd 3 --worker http://triton:8000/v2/models/resnet50 \
    --metrics-listen 127.0.0.1:9100 3<key.txt
  cloisterd --bundle m.cloister --key-server https://keys:8444 --workers-file gpus.txt \
    --evidence tsm --endorsements /var/lib/collateral

Exit codes: 0 stopped as asked; 1 failed; 2 usage; 3 refused (signature, version, plan, key server).)";

struct Options {
  serving::ServerConfig config;
  std::string bundle;
  KeyFlags keys;
  EvidenceFlags evidence;
  std::vector<std::string> signers;
  std::string clients;
  std::string client_ca;
  std::string worker_ca;
  ReloadFlags reload;
  LogOptions log;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--bundle", o.bundle, "the sealed bundle, as 'cloister seal' makes it")
      ->required()
      ->type_name("FILE");
  o.keys.add_to(app, o.config);
  o.evidence.add_to(app, o.config);
  app.add_option("--signer", o.signers,
                 "minisign public key (file or text), one of which must have signed the bundle "
                 "(repeatable); without it the signature is not checked")
      ->type_name("KEY")
      ->allow_extra_args(false);
  app.add_option("--min-version", o.config.min_version, "oldest bundle version to serve")
      ->type_name("N");
  o.reload.add_workers_to(app, o.config);
  app.add_option("--worker-ca", o.worker_ca, "PEM file of the authority for https workers")
      ->type_name("FILE");
  app.add_option("--listen", o.config.listen, "address to serve on, over TLS 1.3")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  o.reload.add_certificate_to(app, o.config);
  app.add_option("--metrics-listen", o.config.metrics_listen,
                 "address for Prometheus metrics, unencrypted")
      ->type_name("HOST:PORT");
  app.add_option(
         "--clients", o.clients,
         "JSON file of the clients that may send requests, by token or certificate, and how often "
         "('cloister keygen --token'); without it everybody may")
      ->type_name("FILE");
  app.add_option("--client-ca", o.client_ca,
                 "PEM file of the authority for client certificates; without --clients everybody "
                 "who has one may")
      ->type_name("FILE");
  add_number(app, "--threads", o.config.threads, "threads for one run of a segment", 1, 1024);
  add_number(app, "--io-threads", o.config.io_threads, "threads for network input and output", 1,
             1024);
  add_number(app, "--links", o.config.links, "batches that may be at workers at a time", 1, 256);
  add_number(app, "--queue", o.config.queue, "requests that may wait; further ones get 503", 1,
             1e6);
  add_number(app, "--batch-delay-us", o.config.batch_delay_us,
             "how long the first request of a batch waits for others", 0, 1e6);
  add_number(app, "--max-connections", o.config.max_connections,
             "most connections; further ones are closed", 1, 1e6);
  add_number(app, "--max-per-address", o.config.max_per_address,
             "most connections from one address, a load balancer's for example", 1, 1e6);
  add_number(app, "--max-body", o.config.max_body_bytes, "largest request in bytes", 1024, 1e10);
  add_number(app, "--memory", o.config.memory_bytes,
             "bytes that requests may hold at a time; further ones get 503", 1024, 1e12);
  add_number(app, "--deadline", o.config.deadline_s, "seconds that a request may take", 0.001,
             3600);
  add_number(app, "--worker-timeout", o.config.worker_timeout_s,
             "seconds after which a worker counts as stalled", 0.001, 3600);
  add_number(app, "--quarantine", o.config.quarantine_s,
             "seconds for which a worker is not used after a wrong reply", 0, 1e6);
  add_number(app, "--verify-rate", o.config.verify_rate,
             "share of batches to recompute inside and compare, drawn in secret", 0, 1);
  add_number(app, "--verify-tolerance", o.config.verify_tolerance,
             "largest accepted difference, as a share of the largest value", 0, 1);
  app.add_flag("--verify-stops", o.config.verify_stops, "stop serving after a mismatch");
  add_number(app, "--drain", o.config.drain_s, "seconds to finish pending requests after SIGTERM",
             0, 3600);
  app.add_option("--sandbox", o.config.sandbox, kSandboxHelp)
      ->type_name("MODE")
      ->capture_default_str();
  o.log.add_to(app);
}

// Where evidence comes from.
constexpr const char* kDevices[] = {"/sys/kernel/config/tsm", "/dev/sev-guest", "/dev/tdx_guest",
                                    "/dev/tpmrm0", "/dev/tpm0"};

// Before the bundle and anything from the network is parsed. The operator's own files have been
// read, but for what is read again later.
Result<std::vector<std::string>> enter_sandbox(const Options& o) {
  TRY(mode, parse_sandbox_mode(o.config.sandbox));
  SandboxNeeds needs{.writes = {std::begin(kDevices), std::end(kDevices)}};
  for (const std::string& path : {o.keys.identity, o.evidence.endorsements}) {
    if (!path.empty()) needs.reads.emplace_back(path);
  }
  for (const std::string& path :
       {o.bundle, o.config.workers_file, o.reload.tls_cert, o.reload.tls_key}) {
    if (!path.empty()) needs.reads.push_back(fs::absolute(path).parent_path());
  }
  needs.shared_memory = ReloadFlags::may_share_memory(o.config);
  return enter_sandbox(mode, needs);
}

// A file's text, whose digest goes into the configuration. Empty for no file.
Result<std::string> read_digested(const std::string& path, std::string& digest) {
  if (path.empty()) return std::string();
  TRY(text, read_file(path, 16 << 20));
  digest = to_hex(sha256(as_bytes(text)));
  return text;
}

Result<serving::TrustedServerParts> read_parts(Options& o) {
  serving::TrustedServerParts parts{.tool = std::string("cloister ") + kVersion};
  TRY(workers, ReloadFlags::read_workers(o.config));
  parts.workers = std::move(workers);
  TRY(worker_ca, read_digested(o.worker_ca, o.config.worker_ca_sha256));
  if (!worker_ca.empty()) {
    parts.worker_client.trust = net::ClientOptions::Trust::kCaPem;
    parts.worker_client.ca_pem = worker_ca;
  }
  TRY(clients, read_digested(o.clients, o.config.clients_sha256));
  if (!o.clients.empty()) {
    auto parsed = serving::parse_clients(clients);
    if (!parsed) return with_context(parsed.error(), printable(o.clients, 400));
    parts.clients = std::move(*parsed);
  }
  TRY(client_ca, read_digested(o.client_ca, o.config.client_ca_sha256));
  parts.client_ca_pem = client_ca;
  TRY(certificate, o.reload.read_certificate());
  parts.tls = std::move(certificate);
  o.config.own_certificate = o.reload.tls_cert.empty();
  TRY_OK(o.keys.read(o.config));
  TRY(producer, o.evidence.find(o.config));
  parts.producer = std::move(producer);
  parts.config = o.config;
  parts.now_unix_s = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return parts;
}

// Whether another bundle is there, and is served now, with the workers that are named now.
Result<bool> reload_bundle(const Options& o, const std::vector<minisign::PublicKey>& signers,
                           attest::Attester& producer, const std::string& tool,
                           serving::TrustedServer& server) {
  TRY(bundle, bundle::Bundle::open(o.bundle, signers, o.config.min_version));
  if (bundle.manifest_sha256() == server.manifest_sha256()) return false;
  TRY(workers, ReloadFlags::read_workers(o.config));
  TRY(keys,
      o.keys.get(bundle, o.config, server.config_sha256(), tool, producer, KeyFlags::When::kOnce));
  if (!keys) return false;
  TRY_OK(server.replace_bundle(bundle, {.identities = std::move(keys->identities),
                                        .headers = std::move(keys->headers),
                                        .workers = std::move(workers)}));
  return true;
}

Outcome serve_bundle(Options& o) {
  o.log.start();
  hold_stop_signals();
  hold_hangups();
  TRY(signers, read_signers(o.signers));
  for (const minisign::PublicKey& key : signers) o.config.signers.push_back(key.text());
  TRY(parts, read_parts(o));
  TRY(sandbox, enter_sandbox(o));
  parts.sandbox = std::move(sandbox);
  TRY(bundle, bundle::Bundle::open(o.bundle, signers, o.config.min_version));
  tell_of_guards();
  if (signers.empty()) log(LogLevel::kWarn, "signature not checked", {{"why", "no --signer"}});
  if (!parts.clients && parts.client_ca_pem.empty()) {
    log(LogLevel::kWarn, "clients are not authenticated", {{"why", "no --clients"}});
  }
  const std::string mode(attest::kind_class(parts.producer->kind()));
  if (mode == "simulated") {
    log(LogLevel::kWarn, "simulated", {{"why", parts.producer->source()}});
  }
  TRY(keys, o.keys.get(bundle, parts.config, config_sha256(parts.config), parts.tool,
                       *parts.producer, KeyFlags::When::kAtStart));
  if (!keys) return 0;  // stopped before there were any
  parts.identities = std::move(keys->identities);
  parts.headers = std::move(keys->headers);
  const auto producer = parts.producer;
  const std::string tool = parts.tool;
  TRY(server, serving::TrustedServer::start(bundle, std::move(parts)));
  const auto reload = [&] {
    const auto replaced = reload_bundle(o, signers, *producer, tool, *server);
    // Workers that are named for a bundle which can't be served are none for the one that is.
    if (!replaced) log_kept("bundle and workers", replaced.error());
    if (replaced && !*replaced) ReloadFlags::reload_workers(o.config, *server);
    o.reload.reload_certificate(*server);
  };
  announce_and_wait({{"port", server->port()},
                     {"metrics_port", server->metrics_port()},
                     {"mode", mode},
                     {"config_sha256", server->config_sha256()}},
                    reload);
  server->drain(serving::Seconds(o.config.drain_s));
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Serves a sealed model: it receives inputs over TLS and runs the model's head itself;\n"
      "the head's output goes to a worker, which runs the rest.");
  app.name("cloisterd");
  set_help_layout(app);
  app.set_version_flag("--version", std::string("cloisterd ") + kVersion, "print the version");
  add_options(app, options);
  app.footer(kFooter);
  return parse_and_run(app, "cloisterd", argc, argv, [&] { return serve_bundle(options); });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  cloister::guard_process();
  return cloister::run_guarded("cloisterd", argc, argv, cloister::run);
}
