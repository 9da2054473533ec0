#include "tee/trusted_server.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "attest/exchange.h"
#include "base/log.h"
#include "base/parse_number.h"
#include "link/oip_http.h"
#include "net/deadline.h"
#include "serving/address.h"
#include "serving/error_response.h"
#include "serving/metrics_server.h"
#include "serving/task_thread.h"

namespace cloister::serving {
namespace {

// Requests to the model are for those whom the clients file knows; whether the server is alive, and
// what it can prove about itself, is for everybody.
bool is_for_everybody(const net::Request& request) {
  return request.target == attest::kExchangeTarget || request.target.starts_with("/v2/health/");
}

// So they have small bodies: room for large ones is for those whom the server knows.
std::optional<net::Response> refuse_large(const net::Request& request) {
  const std::string* const length = request.fields.find("Content-Length");
  const auto bytes = length == nullptr ? uint64_t{0} : parse_number<uint64_t>(*length);
  if (request.fields.find("Transfer-Encoding") == nullptr && bytes &&
      *bytes <= attest::kMaxRequestBytes) {
    return std::nullopt;
  }
  return with_status(413, {Kind::kInvalid, fmt::format("want a Content-Length of at most {}",
                                                       attest::kMaxRequestBytes)});
}

net::Response unauthorized(serving::Metrics& metrics) {
  metrics.request("unauthorized");
  net::Response response =
      with_status(401, {Kind::kRefused, "a known bearer token or client certificate is needed"});
  response.fields.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

std::optional<net::Response> refuse_client(ClientGate& gate, const net::Request& request,
                                           const std::string& certificate,
                                           serving::Metrics& metrics) {
  const std::string* const authorization = request.fields.find("Authorization");
  switch (gate.admit(authorization == nullptr ? "" : *authorization, certificate,
                     ClientGate::Clock::now())) {
    case ClientGate::Verdict::kWelcome:
      return std::nullopt;
    case ClientGate::Verdict::kUnknown:
      return unauthorized(metrics);
    case ClientGate::Verdict::kTooMany:
      metrics.request("quota");
      return with_status(429, {Kind::kUnavailable, "this client's rate limit is exceeded"});
  }
  return std::nullopt;
}

// New connections must not be told to come again where old ones are answered.
Result<> wait_until_ready(const ServedBundle& served, Seconds limit) {
  constexpr std::chrono::milliseconds kBetweenLooks{10};
  const auto deadline = net::deadline_after(limit);
  while (true) {
    const Result<> ready = served.ready();
    if (ready || net::Clock::now() >= deadline) return ready;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

// Parsing this much takes about a millisecond.
constexpr uint64_t kParsedAtOnce = 256 << 10;
constexpr size_t kMostWaitingToBeParsed = 64;

bool has_much_json(const net::Request& request) {
  const uint64_t bytes = request.body.bytes.size();
  const auto json = header_length(request.fields);
  return (json ? std::min(json->value_or(bytes), bytes) : bytes) > kParsedAtOnce;
}

// Connections hold it, and with it the bundle. What takes long to parse does so on a thread of its
// own, one after the other: others' requests do not wait for it, and memory for it is needed once.
net::Handler handler_of(std::shared_ptr<const ServedBundle> served, TaskThread& parsing) {
  return [served = std::move(served), &parsing](net::Request request, net::Respond respond) {
    if (!has_much_json(request)) return served->handle(std::move(request), std::move(respond));
    request.channel = nullptr;  // it is for the server's own threads
    auto answer = std::make_shared<net::Respond>(std::move(respond));
    const bool taken = parsing.add([served, answer, request = std::move(request)]() mutable {
      served->handle(std::move(request), std::move(*answer));
    });
    if (!taken) (*answer)(error_response({Kind::kUnavailable, "too many requests to be parsed"}));
  };
}

}  // namespace

struct TrustedServer::Parts {
  TrustedServerParts given;
  std::string config_sha256;
  serving::Metrics metrics;
  std::unique_ptr<ClientGate> gate;
  bool certificate_suffices = false;  // there is no list of clients, but an authority of theirs
  // Ends bundles that no connection needs any more: their threads may take a while to finish, and
  // a server's own threads must not wait.
  TaskThread ending{SIZE_MAX};
  TaskThread parsing{kMostWaitingToBeParsed};
  std::mutex mutex;                            // of which bundle is served
  std::shared_ptr<const ServedBundle> bundle;  // by new connections
  std::unique_ptr<MetricsServer> metrics_server;
  std::unique_ptr<net::Server> server;  // last: goes first

  Result<std::shared_ptr<const ServedBundle>> load(const bundle::Bundle& opened, BundleParts with);
  std::shared_ptr<const ServedBundle> served() {
    const std::scoped_lock lock(mutex);
    return bundle;
  }
  net::Gate make_gate();
};

TrustedServer::TrustedServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TrustedServer::~TrustedServer() = default;

Result<std::shared_ptr<const ServedBundle>> TrustedServer::Parts::load(const bundle::Bundle& opened,
                                                                       BundleParts with) {
  TRY(made, ServedBundle::start(opened, std::move(with),
                                {.config = given.config,
                                 .config_sha256 = config_sha256,
                                 .tool = given.tool,
                                 .worker_client = given.worker_client,
                                 .sandbox = given.sandbox,
                                 .producer = given.producer,
                                 .metrics = metrics}));
  return std::shared_ptr<const ServedBundle>(made.release(), [this](const ServedBundle* unneeded) {
    ending.add([owned = std::unique_ptr<const ServedBundle>(unneeded)] {});
  });
}

net::Gate TrustedServer::Parts::make_gate() {
  return [this](const net::Request& request) -> std::optional<net::Response> {
    if (is_for_everybody(request)) return refuse_large(request);
    const std::string certificate =
        request.channel == nullptr ? "" : request.channel->client_certificate_sha256();
    if (certificate_suffices && certificate.empty()) return unauthorized(metrics);
    return refuse_client(*gate, request, certificate, metrics);
  };
}

Result<std::unique_ptr<TrustedServer>> TrustedServer::start(const bundle::Bundle& bundle,
                                                            TrustedServerParts given) {
  auto parts = std::make_unique<Parts>();
  Parts& p = *parts;
  p.given = std::move(given);
  const ServerConfig& config = p.given.config;
  p.config_sha256 = serving::config_sha256(config);

  TRY(listen, parse_address(config.listen));
  TRY(served, p.load(bundle, {.identities = std::move(p.given.identities),
                              .headers = std::move(p.given.headers),
                              .workers = std::move(p.given.workers)}));
  p.bundle = served;
  p.certificate_suffices = !p.given.client_ca_pem.empty() && !p.given.clients;
  p.gate = std::make_unique<ClientGate>(std::move(p.given.clients));

  std::optional<net::TlsIdentity> identity = std::move(p.given.tls);
  if (!identity) {
    std::vector<std::string> names = config.names;
    names.push_back(listen.host);
    TRY(made, net::make_tls_identity(names, p.given.now_unix_s));
    identity = std::move(made);
  }
  net::ServerOptions options{
      .address = listen.host,
      .port = listen.port,
      .tls = std::move(identity),
      .client_ca_pem = p.given.client_ca_pem,
      .threads = config.io_threads,
      .max_connections = config.max_connections,
      .max_per_address = config.max_per_address,
      .max_body_bytes = config.max_body_bytes,
      // Otherwise the largest would be told to come again for ever.
      .max_total_body_bytes = std::max(config.memory_bytes, config.max_body_bytes)};
  if (!config.metrics_listen.empty()) {
    TRY(metrics_server, MetricsServer::start(config.metrics_listen, p.metrics));
    p.metrics_server = std::move(metrics_server);
  }
  TRY(server, net::Server::start(std::move(options), handler_of(served, p.parsing), p.make_gate()));
  p.server = std::move(server);
  log(LogLevel::kInfo, "serving",
      {{"listen", config.listen},
       {"port", p.server->port()},
       {"model", served->name()},
       {"version", served->version()},
       {"manifest_sha256", served->manifest_sha256()},
       {"config_sha256", p.config_sha256},
       {"mode", served->mode()},
       {"evidence", p.given.producer->source()}});
  return std::unique_ptr<TrustedServer>(new TrustedServer(std::move(parts)));
}

Result<> TrustedServer::replace_bundle(const bundle::Bundle& bundle, BundleParts parts,
                                       Seconds limit) {
  Parts& p = *parts_;
  const auto before = p.served();
  const bundle::Manifest& manifest = bundle.manifest();
  if (manifest.model_name != before->name()) {
    return fail(Kind::kRefused, "it has model '{}', and clients ask for '{}'",
                printable(manifest.model_name), before->name());
  }
  if (manifest.version <= before->version()) {
    return fail(Kind::kRefused, "it has version {}, want one after {}, which is served",
                manifest.version, before->version());
  }
  TRY(served, p.load(bundle, std::move(parts)));
  TRY_OK(wait_until_ready(*served, limit));
  {
    const std::scoped_lock lock(p.mutex);
    p.bundle = served;
  }
  p.server->replace_handler(handler_of(served, p.parsing), p.make_gate());
  log(LogLevel::kInfo, "bundle replaced",
      {{"version", served->version()}, {"manifest_sha256", served->manifest_sha256()}});
  return {};
}

std::string TrustedServer::manifest_sha256() const {
  return parts_->served()->manifest_sha256();
}

uint16_t TrustedServer::port() const {
  return parts_->server->port();
}

uint16_t TrustedServer::metrics_port() const {
  return parts_->metrics_server ? parts_->metrics_server->port() : 0;
}

std::string TrustedServer::config_sha256() const {
  return parts_->config_sha256;
}

Result<> TrustedServer::ready() const {
  return parts_->served()->ready();
}

Result<> TrustedServer::replace_workers(const std::vector<Endpoint>& workers) {
  return parts_->served()->replace_workers(workers);
}

Result<> TrustedServer::replace_certificate(net::TlsIdentity identity) {
  return parts_->server->replace_identity(std::move(identity));
}

void TrustedServer::drain(serving::Seconds limit) {
  log(LogLevel::kInfo, "draining", {{"connections", parts_->server->connections()}});
  parts_->server->drain(limit);
}

}  // namespace cloister::serving
