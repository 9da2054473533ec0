#include "link/endpoint.h"

#include "link/http_link.h"
#include "link/shm_link.h"
#include "link/shm_socket.h"

namespace cloister {
namespace {

constexpr std::string_view kUnix = "unix:";

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  if (!text.starts_with(kUnix)) {
    TRY(url, net::parse_url(text));
    return Endpoint{.url = std::move(url), .socket = {}};
  }
  const std::string_view path = text.substr(kUnix.size());
  if (!path.starts_with('/') || path.find('\0') != path.npos || path.size() > kMostSocketPath) {
    return invalid("'{}', want unix: and a path of at most {} bytes that begins with /",
                   printable(text), kMostSocketPath);
  }
  return Endpoint{.url = {}, .socket = std::string(path)};
}

std::string endpoint_text(const Endpoint& endpoint) {
  return endpoint.socket.empty() ? net::url_text(endpoint.url) : endpoint_name(endpoint);
}

std::string endpoint_name(const Endpoint& endpoint) {
  if (!endpoint.socket.empty()) return std::string(kUnix) + endpoint.socket;
  return fmt::format("{}:{}", endpoint.url.host, endpoint.url.port);
}

std::unique_ptr<Link> make_link(const Endpoint& endpoint, const LinkOptions& options,
                                const TensorSpecs& specs) {
  WorkerModel wanted{specs, options.segment_sha256};
  if (!endpoint.socket.empty()) {
    return std::make_unique<ShmLink>(ShmLinkOptions{.socket = endpoint.socket}, std::move(wanted));
  }
  net::Url model = endpoint.url;
  if (model.path.empty() || model.path == "/") model.path = "/v2/models/" + options.model;
  return std::make_unique<HttpLink>(
      HttpLinkOptions{
          .model = std::move(model), .client = options.client, .batched = options.batched},
      std::move(wanted));
}

}  // namespace cloister
