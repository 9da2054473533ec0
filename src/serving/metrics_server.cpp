#include "serving/metrics_server.h"

#include "serving/address.h"
#include "serving/error_response.h"

namespace cloister::serving {

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& listen,
                                                            const serving::Metrics& metrics) {
  TRY(address, parse_address(listen));
  const net::ServerOptions options{.address = address.host,
                                   .port = address.port,
                                   .max_connections = 32,
                                   .max_body_bytes = 0,
                                   .max_total_body_bytes = 0};
  auto server = net::Server::start(options, [&metrics](net::Request request, net::Respond respond) {
    if (request.target != "/metrics") {
      return respond(net::text_response(404, "text/plain", "see /metrics\n"));
    }
    if (request.method != "GET") return respond(wrong_method(request, "GET"));
    respond(net::text_response(200, "text/plain; version=0.0.4", metrics.text()));
  });
  if (!server) return with_context(server.error(), "metrics on " + listen);
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(*server)));
}

}  // namespace cloister::serving
