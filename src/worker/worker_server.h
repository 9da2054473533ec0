// cloister-worker without its command line: a body that anyone may ask.
#pragma once

#include "serving/metrics_server.h"
#include "serving/v2.h"
#include "worker/body.h"
#include "worker/shm_server.h"

namespace cloister::serving {

struct WorkerServerOptions {
  std::string listen = "127.0.0.1:8000";
  std::string metrics_listen;  // empty: no metrics
  std::string shared_memory;   // path of a socket; empty: no links over shared memory
  std::optional<net::TlsIdentity> tls;
  std::string tool;    // "cloister 0.1.0"
  std::string engine;  // "onnxruntime", "torch"
  std::string model;   // name and version, as clients ask for them
  std::string version;
  std::string segment_sha256;  // bundle::segment_sha256; empty: none
  int64_t max_batch = 1;
  uint64_t queue = 128;
  uint64_t batch_delay_us = 0;
  int io_threads = 1;
  uint64_t max_body_bytes = 256 << 20;
  double deadline_s = 30;
};

// Thread-safe.
class WorkerServer {
 public:
  // `inputs` and `outputs`: as the bundle has them.
  static Result<std::unique_ptr<WorkerServer>> start(std::unique_ptr<Program> body,
                                                     std::vector<TensorSpec> inputs,
                                                     std::vector<TensorSpec> outputs,
                                                     const WorkerServerOptions& options);
  uint16_t port() const { return server_->port(); }
  uint16_t metrics_port() const { return metrics_server_ ? metrics_server_->port() : 0; }
  void drain(net::Seconds limit);

 private:
  WorkerServer() = default;

  serving::Metrics metrics_;
  std::unique_ptr<serving::Body> body_;
  std::unique_ptr<ShmServer> shm_server_;
  std::unique_ptr<MetricsServer> metrics_server_;
  std::unique_ptr<net::Server> server_;  // last: goes first
};

}  // namespace cloister::serving
