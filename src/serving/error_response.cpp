#include "serving/error_response.h"

#include "wire/oip.h"

namespace cloister::serve {
namespace {

unsigned status_of(Kind kind) {
  switch (kind) {
    case Kind::kInvalid:
    case Kind::kUsage:
      return 400;
    case Kind::kRefused:
      return 403;
    case Kind::kNotFound:
      return 404;
    case Kind::kUnsupported:
      return 400;
    case Kind::kUnavailable:
      return 503;
    case Kind::kDeadline:
      return 504;
    case Kind::kIo:
    case Kind::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

net::Response error_response(const Error& error) {
  net::Response response = net::text_response(status_of(error.kind), "application/json",
                                              oip::write_error(error.message));
  if (error.kind == Kind::kUnavailable) response.fields.push_back({"Retry-After", "1"});
  return response;
}

net::Response wrong_method(const net::Request& request, const std::string& want) {
  net::Response response = error_response(
      {Kind::kUnsupported, fmt::format("method {} for '{}', want {}", printable(request.method, 20),
                                       printable(request.target), want)});
  response.status = 405;
  response.fields.push_back({"Allow", want});
  return response;
}

}  // namespace cloister::serve
