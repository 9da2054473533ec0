// Inference over a verified connection.
#pragma once

#include "serve/verified_connection.h"
#include "wire/oip.h"

namespace cloister::serve {

struct InferOptions {
  std::string token;  // bearer token; empty: none
  net::Seconds limit{60};
  oip::Encoding encoding = oip::Encoding::kBinary;
};

// Sends the inputs (names and shapes as the manifest has them; a batch in the first extent) and
// gives the model's outputs, in the manifest's order. Errors: what the server answered, by its
// status (400 kInvalid, 401 and 403 kRefused, 429 and 503 kUnavailable, 504 kDeadline), or
// exchange()'s; kInvalid for a reply that does not fit the manifest.
Result<std::vector<NamedTensor>> infer(VerifiedConnection& connection,
                                       const std::vector<NamedTensor>& inputs,
                                       const InferOptions& options);

}  // namespace cloister::serve
