#include "worker/worker_server.h"

#include <bit>

#include "serving/address.h"

namespace cloister::serving {

Result<std::unique_ptr<WorkerServer>> WorkerServer::start(std::unique_ptr<Program> body,
                                                          std::vector<TensorSpec> inputs,
                                                          std::vector<TensorSpec> outputs,
                                                          const WorkerServerOptions& options) {
  TRY(address, parse_address(options.listen));
  std::unique_ptr<WorkerServer> worker(new WorkerServer);
  worker->body_ = std::make_unique<serving::Body>(
      std::move(body),
      serving::BatcherOptions{.queue_limit = options.queue,
                              .max_batch = options.max_batch,
                              .delay = std::chrono::microseconds(options.batch_delay_us)},
      worker->metrics_);
  if (!options.shared_memory.empty()) {
    TRY(shm_server, ShmServer::start(worker->body_->program(), {inputs, outputs},
                                     {.socket = options.shared_memory,
                                      .model = options.model,
                                      .version = options.version,
                                      .platform = options.engine,
                                      .segment_sha256 = options.segment_sha256,
                                      .most_bytes = std::bit_ceil(options.max_body_bytes)},
                                     worker->metrics_));
    worker->shm_server_ = std::move(shm_server);
  }
  V2Model model{
      .name = options.model,
      .version = options.version,
      .platform = options.engine,
      .inputs = std::move(inputs),
      .outputs = std::move(outputs),
      .max_batch = options.max_batch,
      .segment_sha256 = options.segment_sha256,
      .ready = [] { return Result<>(); },
      .submit = [body = worker->body_.get()](serving::Job job) { body->submit(std::move(job)); }};
  net::Handler handler =
      v2_handler(std::move(model),
                 {.server = {"cloister-worker", options.tool, {"binary_tensor_data", "statistics"}},
                  .deadline = serving::Seconds(options.deadline_s)},
                 worker->metrics_);
  if (!options.metrics_listen.empty()) {
    TRY(metrics_server, MetricsServer::start(options.metrics_listen, worker->metrics_));
    worker->metrics_server_ = std::move(metrics_server);
  }
  TRY(server, net::Server::start({.address = address.host,
                                  .port = address.port,
                                  .tls = options.tls,
                                  .threads = options.io_threads,
                                  .max_body_bytes = options.max_body_bytes},
                                 std::move(handler)));
  worker->server_ = std::move(server);
  return worker;
}

void WorkerServer::drain(net::Seconds limit) {
  shm_server_.reset();  // it ends once the calls that it has are answered
  server_->drain(limit);
}

}  // namespace cloister::serving
