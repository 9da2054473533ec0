// The Open Inference Protocol v2 over HTTP: from requests to jobs and from answers to responses.
// What happens to a job is decided by its caller: the trusted server or the worker.
#pragma once

#include "net/server.h"
#include "serving/batch.h"
#include "serving/error_response.h"
#include "wire/oip.h"

namespace cloister::serving {

struct V2Model {
  std::string name;
  std::string version;
  std::string platform;
  std::vector<TensorSpec> inputs;  // a first dimension of -1 is the batch
  std::vector<TensorSpec> outputs;
  int64_t max_batch = 1;
  // Of the bundle that it comes from, in every answer. A request may name the one that it expects.
  // Empty: none.
  std::string manifest_sha256 = {};
  // Of the segment that it is, in its metadata; empty: none.
  std::string segment_sha256 = {};
  oip::Parameters parameters;  // of every answer
  std::function<Result<>()> ready;
  std::function<void(serving::Job)> submit;
};

struct V2Options {
  oip::ServerMetadata server;
  serving::Seconds deadline{10};  // of a request that names none, and at most
};

// `metrics` outlives the handler.
net::Handler v2_handler(V2Model model, V2Options options, serving::Metrics& metrics);

}  // namespace cloister::serving
