#include "tee/trusted_server.h"

#include <algorithm>

#include "attest/exchange.h"
#include "base/log.h"
#include "base/parse_number.h"
#include "engine/onnxruntime.h"
#include "link/http_link.h"
#include "serving/address.h"
#include "serving/metrics_server.h"
#include "tee/evidence.h"

namespace cloister::serving {
namespace {

PipelineOptions pipeline_options(const ServerConfig& config, int64_t max_batch) {
  return {.batcher = {.queue_limit = config.queue,
                      .max_batch = max_batch,
                      .delay = std::chrono::microseconds(config.batch_delay_us)},
          .links = config.links,
          .verify_rate = config.verify_rate,
          .verify_tolerance = config.verify_tolerance,
          .verify_stops = config.verify_stops};
}

// What links to workers have in common: they have one segment, as the model's body.
struct WorkerLinks {
  std::string model_name;
  TensorSpecs body;
  net::ClientOptions client;
  bool batched = false;

  std::vector<PooledWorker> to(const std::vector<net::Url>& urls) const {
    std::vector<PooledWorker> workers;
    for (net::Url url : urls) {
      if (url.path.empty() || url.path == "/") url.path = "/v2/models/" + model_name;
      PooledWorker& worker = workers.emplace_back();
      worker.name = fmt::format("{}:{}", url.host, url.port);
      worker.url = net::url_text(url);
      worker.link = std::make_unique<HttpLink>(
          HttpLinkOptions{.model = std::move(url), .client = client, .batched = batched}, body);
    }
    return workers;
  }
};

Result<std::unique_ptr<Program>> load(Engine& engine, const bundle::Bundle& bundle,
                                      const std::string& name, const TrustedServerParts& parts) {
  TRY(segment, bundle.segment(name, parts.identities, parts.headers));
  auto program = engine.load(segment);
  if (!program) return with_context(program.error(), name);
  return program;
}

// What runs inside, and what results are checked with.
Result<PipelineModel> load_segments(const bundle::Bundle& bundle, const TrustedServerParts& parts) {
  TRY(engine, make_onnxruntime({.threads = parts.config.threads}));
  const bundle::Manifest& manifest = bundle.manifest();
  PipelineModel out{.served = {manifest.inputs, manifest.outputs}};
  for (const SegmentInfo& segment : manifest.segments) {
    out.segments.push_back({.info = segment});
    if (segment.placement == Placement::kUntrusted && parts.config.verify_rate <= 0) continue;
    TRY(program, load(*engine, bundle, segment.name, parts));
    out.segments.back().program = std::move(program);
  }
  return out;
}

// Bundles that were sealed before bounds were.
void warn_of_free_sizes(const bundle::Manifest& manifest) {
  for (const TensorSpec& spec : manifest.inputs) {
    for (size_t axis = manifest.max_batch > 1 ? 1 : 0; axis < spec.dims.size(); ++axis) {
      if (spec.dims[axis] >= 0 || spec.bound(axis)) continue;
      log(LogLevel::kWarn, "an input's size has no bound: seal the bundle again (--max-dim)",
          {{"input", spec.name}, {"type", spec_text(spec)}});
      break;
    }
  }
}

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

}  // namespace

struct TrustedServer::Parts {
  TrustedServerParts given;
  std::string config_sha256;
  serving::Metrics metrics;
  WorkerLinks links;
  std::unique_ptr<WorkerPool> workers;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<ClientGate> gate;
  bool certificate_suffices = false;  // there is no list of clients, but an authority of theirs
  std::unique_ptr<EvidenceService> evidence;
  std::unique_ptr<MetricsServer> metrics_server;
  std::unique_ptr<net::Server> server;  // last: goes first
};

TrustedServer::TrustedServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TrustedServer::~TrustedServer() = default;

Result<std::unique_ptr<TrustedServer>> TrustedServer::start(const bundle::Bundle& bundle,
                                                            TrustedServerParts given) {
  auto parts = std::make_unique<Parts>();
  Parts& p = *parts;
  p.given = std::move(given);
  const ServerConfig& config = p.given.config;
  const bundle::Manifest& manifest = bundle.manifest();
  p.config_sha256 = serving::config_sha256(config);
  const int64_t max_batch = manifest.max_batch;

  TRY(listen, parse_address(config.listen));
  TRY(model, load_segments(bundle, p.given));
  p.given.identities.clear();  // nothing needs them any more; they overwrite themselves
  p.given.headers.clear();
  warn_of_free_sizes(manifest);
  std::vector<WorkerPool*> pools;
  for (const LoadedSegment& segment : model.segments) {
    if (segment.info.placement == Placement::kTrusted) continue;
    if (p.given.workers.empty())
      return fail(Kind::kUsage, "the plan needs a worker: give --worker");
    if (p.workers) {
      return fail(Kind::kUnsupported, "the plan has several untrusted segments; workers have one");
    }
    p.links = {.model_name = manifest.model_name,
               .body = {segment.info.inputs, segment.info.outputs},
               .client = p.given.worker_client,
               .batched = max_batch > 1};
    p.workers = std::make_unique<WorkerPool>(
        p.links.to(p.given.workers),
        WorkerPoolOptions{.answer_limit = Seconds(config.worker_timeout_s),
                          .quarantine = Seconds(config.quarantine_s)},
        p.metrics);
    pools.push_back(p.workers.get());
  }
  TRY(pipeline, Pipeline::start(std::move(model), pipeline_options(config, max_batch),
                                std::move(pools), p.metrics));
  p.pipeline = std::move(pipeline);
  p.certificate_suffices = !p.given.client_ca_pem.empty() && !p.given.clients;
  p.gate = std::make_unique<ClientGate>(std::move(p.given.clients));

  std::optional<net::TlsIdentity> identity = std::move(p.given.tls);
  if (!identity) {
    std::vector<std::string> names = config.names;
    names.push_back(listen.host);
    TRY(made, net::make_tls_identity(names, p.given.now_unix_s));
    identity = std::move(made);
  }
  const EvidenceMeter meter{
      .asked = [&p](const std::string& outcome) { p.metrics.evidence(outcome); },
      .produced = [&p](double seconds) { p.metrics.evidence_time(seconds); }};
  TRY(evidence,
      EvidenceService::start(
          bundle, p.config_sha256, p.given.tool, p.given.producer,
          {.per_second = config.evidence_per_s, .sandbox = p.given.sandbox, .meter = meter}));
  p.evidence = std::move(evidence);
  V2Model served{.name = manifest.model_name,
                 .version = std::to_string(manifest.version),
                 .platform = "onnx_cloister",
                 .inputs = p.pipeline->served().inputs,
                 .outputs = p.pipeline->served().outputs,
                 .max_batch = max_batch,
                 .parameters = {{"manifest_sha256", bundle.manifest_sha256()},
                                {"mode", std::string(p.evidence->mode())}},
                 .ready = [&p] { return p.pipeline->ready(); },
                 .submit = [&p](Job job) { p.pipeline->submit(std::move(job)); }};
  const net::Handler v2 =
      v2_handler(std::move(served),
                 {.server = {"cloisterd", p.given.tool, {"binary_tensor_data", "statistics"}},
                  .deadline = serving::Seconds(config.deadline_s)},
                 p.metrics);
  const net::Handler handler = [v2, &p](net::Request request, net::Respond respond) {
    if (request.target == attest::kExchangeTarget) {
      return p.evidence->answer(request, std::move(respond));
    }
    v2(std::move(request), std::move(respond));
  };
  const net::Gate gate = [&p](const net::Request& request) -> std::optional<net::Response> {
    if (is_for_everybody(request)) return refuse_large(request);
    const std::string certificate =
        request.channel == nullptr ? "" : request.channel->client_certificate_sha256();
    if (p.certificate_suffices && certificate.empty()) return unauthorized(p.metrics);
    return refuse_client(*p.gate, request, certificate, p.metrics);
  };

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
  TRY(server, net::Server::start(std::move(options), handler, gate));
  p.server = std::move(server);
  log(LogLevel::kInfo, "serving",
      {{"listen", config.listen},
       {"port", p.server->port()},
       {"model", manifest.model_name},
       {"version", manifest.version},
       {"manifest_sha256", bundle.manifest_sha256()},
       {"config_sha256", p.config_sha256},
       {"mode", p.evidence->mode()},
       {"evidence", p.given.producer->source()}});
  return std::unique_ptr<TrustedServer>(new TrustedServer(std::move(parts)));
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
  return parts_->pipeline->ready();
}

Result<> TrustedServer::replace_workers(const std::vector<net::Url>& workers) {
  if (!parts_->workers) return fail(Kind::kUsage, "the plan has no worker");
  parts_->workers->replace(parts_->links.to(workers));
  return {};
}

Result<> TrustedServer::replace_certificate(net::TlsIdentity identity) {
  return parts_->server->replace_identity(std::move(identity));
}

void TrustedServer::drain(serving::Seconds limit) {
  log(LogLevel::kInfo, "draining", {{"connections", parts_->server->connections()}});
  parts_->server->drain(limit);
}

}  // namespace cloister::serving
