// Where a worker is, as users write it.
#pragma once

#include "link/link.h"
#include "net/client.h"

namespace cloister {

struct Endpoint {
  net::Url url;        // of an Open Inference Protocol server
  std::string socket;  // instead: of a cloister-worker on the same kernel, with shared memory
};

// "http://gpu-1:8000", with a path where the model has another name there; "unix:/run/body.sock".
Result<Endpoint> parse_endpoint(std::string_view text);
std::string endpoint_text(const Endpoint& endpoint);
// For logs and metrics: "gpu-1:8000", "unix:/run/body.sock".
std::string endpoint_name(const Endpoint& endpoint);

// What links to several workers have in common: these have the same model.
struct LinkOptions {
  std::string model;           // its name, where the URL has no path
  std::string segment_sha256;  // WorkerModel's
  net::ClientOptions client;
  bool batched = true;  // a first dimension that is free is the batch
};
std::unique_ptr<Link> make_link(const Endpoint& endpoint, const LinkOptions& options,
                                const TensorSpecs& specs);

}  // namespace cloister
