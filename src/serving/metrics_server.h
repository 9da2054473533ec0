#pragma once

#include "net/server.h"
#include "serving/metrics.h"

namespace cloister::serving {

// GET /metrics, on a plain port of its own.
class MetricsServer {
 public:
  // `metrics` outlives it. `listen`: "127.0.0.1:9100".
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& listen,
                                                      const serving::Metrics& metrics);
  uint16_t port() const { return server_->port(); }

 private:
  explicit MetricsServer(std::unique_ptr<net::Server> server) : server_(std::move(server)) {}
  std::unique_ptr<net::Server> server_;
};

}  // namespace cloister::serving
