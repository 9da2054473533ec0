// One bundle at work: its segments, the workers that have its body, and the evidence that names it.
#pragma once

#include "bundle/age.h"
#include "bundle/bundle.h"
#include "link/endpoint.h"
#include "net/server.h"
#include "serving/metrics.h"
#include "tee/config.h"
#include "tee/evidence.h"
#include "tee/pipeline.h"

namespace cloister::serving {

// What opens one bundle, and who has its body.
struct BundleParts {
  std::vector<age::Identity> identities;
  bundle::WrappedKeys headers;  // that a key server released for one of them (tee/key_client.h)
  std::vector<Endpoint> workers;
};

// What a server does whichever bundle it has. Outlives what refers to it.
struct ServingParts {
  const ServerConfig& config;
  const std::string& config_sha256;
  const std::string& tool;                  // "cloister 0.1.0"
  const net::ClientOptions& worker_client;  // how workers are asked: authority, limits
  const std::vector<std::string>& sandbox;  // what is active of it
  const std::shared_ptr<attest::Attester>& producer;
  Metrics& metrics;
};

// Thread-safe.
class ServedBundle {
 public:
  // Loads the segments, and starts to look for workers. Errors as those of Bundle and engine;
  // kUsage where a worker is needed and none is given.
  static Result<std::unique_ptr<ServedBundle>> start(const bundle::Bundle& bundle,
                                                     BundleParts parts,
                                                     const ServingParts& serving);

  // Requests for inference, for evidence, and about the model.
  void handle(net::Request request, net::Respond respond) const;

  const std::string& name() const { return name_; }
  uint64_t version() const { return version_; }
  const std::string& manifest_sha256() const { return manifest_sha256_; }
  std::string_view mode() const { return evidence_->mode(); }
  // Whether requests would be answered now.
  Result<> ready() const { return pipeline_->ready(); }
  // In place of all workers that it has (WorkerPool::replace). kUsage where the plan has none.
  Result<> replace_workers(const std::vector<Endpoint>& workers) const;

 private:
  ServedBundle() = default;
  std::vector<PooledWorker> links_to(const std::vector<Endpoint>& endpoints) const;

  std::string name_;
  uint64_t version_ = 0;
  std::string manifest_sha256_;
  LinkOptions link_options_;
  TensorSpecs body_;                     // which all workers have
  std::unique_ptr<WorkerPool> workers_;  // null: the plan is all trusted
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<EvidenceService> evidence_;
  net::Handler v2_;
};

}  // namespace cloister::serving
