#include "tee/served_bundle.h"

#include "attest/exchange.h"
#include "base/log.h"
#include "engine/onnxruntime.h"
#include "serving/v2.h"

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

Result<std::unique_ptr<Program>> load(Engine& engine, const bundle::Bundle& bundle,
                                      const std::string& name, const BundleParts& parts) {
  TRY(segment, bundle.segment(name, parts.identities, parts.headers));
  auto program = engine.load(segment);
  if (!program) return with_context(program.error(), name);
  return program;
}

// What runs inside, and what results are checked with.
Result<PipelineModel> load_segments(const bundle::Bundle& bundle, const BundleParts& parts,
                                    const ServerConfig& config) {
  TRY(engine, make_onnxruntime({.threads = config.threads}));
  const bundle::Manifest& manifest = bundle.manifest();
  PipelineModel out{.served = {manifest.inputs, manifest.outputs}};
  for (const SegmentInfo& segment : manifest.segments) {
    out.segments.push_back({.info = segment});
    if (segment.placement == Placement::kUntrusted && config.verify_rate <= 0) continue;
    TRY(program, load(*engine, bundle, segment.name, parts));
    out.segments.back().program = std::move(program);
  }
  return out;
}

// Null: the plan is all trusted.
Result<const SegmentInfo*> untrusted_segment(const bundle::Manifest& manifest,
                                             const std::vector<Endpoint>& workers) {
  const SegmentInfo* found = nullptr;
  for (const SegmentInfo& segment : manifest.segments) {
    if (segment.placement == Placement::kTrusted) continue;
    if (workers.empty()) return fail(Kind::kUsage, "the plan needs a worker: give --worker");
    if (found != nullptr) {
      return fail(Kind::kUnsupported, "the plan has several untrusted segments; workers have one");
    }
    found = &segment;
  }
  return found;
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

V2Model model_of(const bundle::Bundle& bundle, std::string_view mode, Pipeline& pipeline) {
  const bundle::Manifest& manifest = bundle.manifest();
  return {.name = manifest.model_name,
          .version = std::to_string(manifest.version),
          .platform = "onnx_cloister",
          .inputs = pipeline.served().inputs,
          .outputs = pipeline.served().outputs,
          .max_batch = manifest.max_batch,
          .manifest_sha256 = bundle.manifest_sha256(),
          .parameters = {{"mode", std::string(mode)}},
          .ready = [&pipeline] { return pipeline.ready(); },
          .submit = [&pipeline](Job job) { pipeline.submit(std::move(job)); }};
}

}  // namespace

Result<std::unique_ptr<ServedBundle>> ServedBundle::start(const bundle::Bundle& bundle,
                                                          BundleParts parts,
                                                          const ServingParts& serving) {
  std::unique_ptr<ServedBundle> served(new ServedBundle);
  const ServerConfig& config = serving.config;
  const bundle::Manifest& manifest = bundle.manifest();
  served->name_ = manifest.model_name;
  served->version_ = manifest.version;
  served->manifest_sha256_ = bundle.manifest_sha256();
  TRY(model, load_segments(bundle, parts, config));
  parts.identities.clear();  // nothing needs them any more; they overwrite themselves
  parts.headers.clear();
  warn_of_free_sizes(manifest);
  TRY(body, untrusted_segment(manifest, parts.workers));
  std::vector<WorkerPool*> pools;
  if (body != nullptr) {
    served->link_options_ = {.model = manifest.model_name,
                             .segment_sha256 = bundle::segment_sha256(manifest, *body),
                             .client = serving.worker_client,
                             .batched = manifest.max_batch > 1};
    served->body_ = {body->inputs, body->outputs};
    served->workers_ = std::make_unique<WorkerPool>(
        served->links_to(parts.workers),
        WorkerPoolOptions{.answer_limit = Seconds(config.worker_timeout_s),
                          .quarantine = Seconds(config.quarantine_s)},
        serving.metrics);
    pools.push_back(served->workers_.get());
  }
  TRY(pipeline, Pipeline::start(std::move(model), pipeline_options(config, manifest.max_batch),
                                std::move(pools), serving.metrics));
  served->pipeline_ = std::move(pipeline);
  Metrics& metrics = serving.metrics;
  const EvidenceMeter meter{
      .asked = [&metrics](const std::string& outcome) { metrics.evidence(outcome); },
      .produced = [&metrics](double seconds) { metrics.evidence_time(seconds); }};
  TRY(evidence,
      EvidenceService::start(
          bundle, serving.config_sha256, serving.tool, serving.producer,
          {.per_second = config.evidence_per_s, .sandbox = serving.sandbox, .meter = meter}));
  served->evidence_ = std::move(evidence);
  served->v2_ =
      v2_handler(model_of(bundle, served->evidence_->mode(), *served->pipeline_),
                 {.server = {"cloisterd", serving.tool, {"binary_tensor_data", "statistics"}},
                  .deadline = Seconds(config.deadline_s)},
                 metrics);
  return served;
}

std::vector<PooledWorker> ServedBundle::links_to(const std::vector<Endpoint>& endpoints) const {
  std::vector<PooledWorker> workers;
  for (const Endpoint& endpoint : endpoints) {
    workers.push_back({.name = endpoint_name(endpoint),
                       .link = make_link(endpoint, link_options_, body_),
                       .url = endpoint_text(endpoint)});
  }
  return workers;
}

void ServedBundle::handle(net::Request request, net::Respond respond) const {
  if (request.target == attest::kExchangeTarget) {
    return evidence_->answer(request, std::move(respond));
  }
  v2_(std::move(request), std::move(respond));
}

Result<> ServedBundle::replace_workers(const std::vector<Endpoint>& workers) const {
  if (!workers_) return fail(Kind::kUsage, "the plan has no worker");
  workers_->replace(links_to(workers));
  return {};
}

}  // namespace cloister::serving
