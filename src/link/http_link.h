// A worker that speaks the Open Inference Protocol v2 over HTTP: ours, or anybody's server.
#pragma once

#include <atomic>

#include "link/idle.h"
#include "link/link.h"
#include "link/oip_call.h"
#include "link/worker_model.h"
#include "net/client.h"
#include "net/deadline.h"

namespace cloister {

struct HttpLinkOptions {
  net::Url model;  // "http://10.0.0.1:8000/v2/models/NAME"
  net::ClientOptions client;
  Seconds connect_limit{2};
  bool batched = true;  // a first dimension that is free is the batch
};

// Keeps connections that were answered on for later calls. One that the worker closed, at once or
// in the meantime, says nothing of the worker: the call is made on a new one.
class HttpLink final : public Link {
 public:
  HttpLink(HttpLinkOptions options, WorkerModel model);

  const TensorSpecs& specs() const override { return model_.specs; }
  Result<std::vector<Tensor>> call(const std::vector<Tensor>& inputs, int64_t items,
                                   Seconds limit) override;
  Result<> probe(Seconds limit) override;

 private:
  Result<> look(Seconds limit);
  Result<> try_out(std::unique_ptr<net::Connection>& connection, Seconds limit);
  Result<net::Response> infer(std::unique_ptr<net::Connection>& connection, const OipCall& call,
                              int64_t items, net::Clock::time_point deadline);
  Result<net::Response> ask(std::unique_ptr<net::Connection>& connection,
                            const net::Request& request, const std::vector<SharedBytes>& body,
                            std::optional<uint64_t> most, net::Clock::time_point deadline);
  Result<std::unique_ptr<net::Connection>> connect(Seconds limit);
  void keep(std::unique_ptr<net::Connection> connection);

  const HttpLinkOptions options_;
  const WorkerModel model_;
  std::atomic<bool> tried_ = false;  // whether it takes inference requests, since it is there
  Idle<net::Connection> idle_;
};

}  // namespace cloister
