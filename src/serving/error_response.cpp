#include "serving/error_response.h"

#include "net/status.h"
#include "wire/oip.h"

namespace cloister::serving {

net::Response error_response(const Error& error) {
  net::Response response = net::text_response(net::status_of(error.kind), "application/json",
                                              oip::write_error(error.message));
  if (error.kind == Kind::kUnavailable) response.fields.push_back({"Retry-After", "1"});
  return response;
}

net::Response with_status(unsigned status, const Error& error) {
  net::Response response = error_response(error);
  response.status = status;
  return response;
}

net::Response wrong_method(const net::Request& request, const std::string& want) {
  net::Response response = with_status(
      405,
      {Kind::kUnsupported, fmt::format("method {} for '{}', want {}", printable(request.method, 20),
                                       printable(request.target), want)});
  response.fields.push_back({"Allow", want == "GET" ? "GET, HEAD" : want});
  return response;
}

}  // namespace cloister::serving
