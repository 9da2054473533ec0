#include "tee/trusted_server.h"

#include <algorithm>
#include <charconv>

#include "attest/exchange.h"
#include "base/log.h"
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

// A link to each of the workers, which have the segment as the model's body.
std::vector<PooledWorker> workers_for(const SegmentInfo& segment, const TrustedServerParts& parts,
                                      const std::string& model) {
  std::vector<PooledWorker> workers;
  for (net::Url url : parts.workers) {
    if (url.path.empty() || url.path == "/") url.path = "/v2/models/" + model;
    PooledWorker& worker = workers.emplace_back();
    worker.name = fmt::format("{}:{}", url.host, url.port);
    worker.link = std::make_unique<HttpLink>(
        HttpLinkOptions{.model = std::move(url), .client = parts.worker_client},
        TensorSpecs{segment.inputs, segment.outputs});
  }
  return workers;
}

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

bool read_number(std::string_view text, uint64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

// Requests to the model are for those whom the clients file knows; whether the server is alive, and
// what it can prove about itself, is for everybody.
bool is_for_everybody(const net::Request& request) {
  return request.target == attest::kExchangeTarget || request.target.starts_with("/v2/health/");
}

// So they have small bodies: room for large ones is for those whom the server knows.
std::optional<net::Response> refuse_large(const net::Request& request) {
  const std::string* const length = request.fields.find("Content-Length");
  uint64_t bytes = 0;
  const bool known = request.fields.find("Transfer-Encoding") == nullptr &&
                     (length == nullptr || read_number(*length, bytes));
  if (known && bytes <= attest::kMaxRequestBytes) return std::nullopt;
  net::Response response =
      error_response({Kind::kInvalid, fmt::format("want a Content-Length of at most {}",
                                                  attest::kMaxRequestBytes)});
  response.status = 413;
  return response;
}

std::optional<net::Response> refuse_client(ClientGate& gate, const net::Request& request,
                                           serving::Metrics& metrics) {
  const std::string* const authorization = request.fields.find("Authorization");
  const std::string certificate =
      request.channel == nullptr ? "" : request.channel->client_certificate_sha256();
  switch (gate.admit(authorization == nullptr ? "" : *authorization, certificate,
                     ClientGate::Clock::now())) {
    case ClientGate::Verdict::kWelcome:
      return std::nullopt;
    case ClientGate::Verdict::kUnknown: {
      metrics.request("unauthorized");
      net::Response response = error_response({Kind::kRefused,
                                               "a known bearer token or client "
                                               "certificate is needed"});
      response.status = 401;
      response.fields.push_back({"WWW-Authenticate", "Bearer"});
      return response;
    }
    case ClientGate::Verdict::kTooMany: {
      metrics.request("quota");
      net::Response response =
          error_response({Kind::kUnavailable, "this client's rate limit is exceeded"});
      response.status = 429;
      return response;
    }
  }
  return std::nullopt;
}

}  // namespace

struct TrustedServer::Parts {
  TrustedServerParts given;
  std::string config_sha256;
  serving::Metrics metrics;
  std::unique_ptr<WorkerPool> workers;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<ClientGate> gate;
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
  std::vector<WorkerPool*> pools;
  for (const LoadedSegment& segment : model.segments) {
    if (segment.info.placement == Placement::kTrusted) continue;
    if (p.given.workers.empty())
      return fail(Kind::kUsage, "the plan needs a worker: give --worker");
    if (p.workers) {
      return fail(Kind::kUnsupported, "the plan has several untrusted segments; workers have one");
    }
    p.workers = std::make_unique<WorkerPool>(
        workers_for(segment.info, p.given, manifest.model_name),
        WorkerPoolOptions{.answer_limit = Seconds(config.worker_timeout_s),
                          .quarantine = Seconds(config.quarantine_s)},
        p.metrics);
    pools.push_back(p.workers.get());
  }
  TRY(pipeline, Pipeline::start(std::move(model), pipeline_options(config, max_batch),
                                std::move(pools), p.metrics));
  p.pipeline = std::move(pipeline);
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
  TRY(evidence, EvidenceService::start(bundle, p.config_sha256, p.given.tool, p.given.producer,
                                       {.per_second = config.evidence_per_s, .meter = meter}));
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
  const net::Handler v2 = v2_handler(std::move(served),
                                     {.server = {"cloisterd", p.given.tool, {"binary_tensor_data"}},
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
    return refuse_client(*p.gate, request, p.metrics);
  };

  net::ServerOptions options{.address = listen.host,
                             .port = listen.port,
                             .tls = std::move(identity),
                             .client_ca_pem = p.given.client_ca_pem,
                             .threads = config.io_threads,
                             .max_connections = config.max_connections,
                             .max_body_bytes = config.max_body_bytes};
  // Otherwise the largest would be told to come again for ever.
  options.max_total_body_bytes = std::max(options.max_total_body_bytes, config.max_body_bytes);
  if (!config.metrics_listen.empty()) {
    TRY(metrics_server, MetricsServer::start(config.metrics_listen, p.metrics));
    p.metrics_server = std::move(metrics_server);
  }
  TRY(server, net::Server::start(options, handler, gate));
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

void TrustedServer::drain(serving::Seconds limit) {
  log(LogLevel::kInfo, "draining", {{"connections", parts_->server->connections()}});
  parts_->server->drain(limit);
}

}  // namespace cloister::serving
