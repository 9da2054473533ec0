// Heads of messages as text.
#pragma once

#include <ctime>

#include "net/http.h"

namespace cloister::net {

// Empty when a field, or the status, can't be sent: it would break the message apart. Framing and
// connection fields of `response` are left out, since only the sender knows them. `now` is the
// Date, unless there is one.
std::string response_head(const Response& response, bool close, std::time_t now);

// kInvalid when method, target or a field can't be sent. `host` is used unless there is a field.
Result<std::string> request_head(const Request& request, const std::string& host,
                                 uint64_t body_bytes);

uint64_t body_bytes(const std::vector<SharedBytes>& pieces);

// {"error": "text"}; for texts of our own, without anything that came from a peer.
Response error_response(unsigned status, std::string_view text);

}  // namespace cloister::net
