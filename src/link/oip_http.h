// Open Inference Protocol messages as HTTP messages.
#pragma once

#include "net/http.h"
#include "wire/oip.h"

namespace cloister::serving {

// The value of the field that tells where the JSON ends. kInvalid when it is no number, or is given
// more than once.
Result<std::optional<uint64_t>> header_length(const net::Fields& fields);

struct HttpBody {
  net::Fields fields;  // Content-Type, and where the JSON ends
  std::vector<SharedBytes> body;
};

HttpBody http_body(oip::Message message);

}  // namespace cloister::serving
