// Errors as HTTP responses, in the form of the Open Inference Protocol.
#pragma once

#include "net/http.h"

namespace cloister::serving {

// A status for the error's kind, {"error": message} as body, Retry-After where asking again helps.
net::Response error_response(const Error& error);

// The same with another status.
net::Response with_status(unsigned status, const Error& error);

// 405, naming the one method that there is for the request's target (HEAD comes with GET).
net::Response wrong_method(const net::Request& request, const std::string& want);

}  // namespace cloister::serving
