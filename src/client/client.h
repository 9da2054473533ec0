// Inference over a verified connection.
#pragma once

#include "client/verified_connection.h"
#include "wire/oip.h"

namespace cloister::serving {

struct InferOptions {
  std::string token;  // bearer token; empty: none
  net::Seconds limit{60};
  oip::Encoding encoding = oip::Encoding::kBinary;
};

// Sends the inputs (names and shapes as the manifest has them; a batch in the first dimension) and
// gives the model's outputs, in the manifest's order. Errors: what the server answered, by its
// status (400 kInvalid, 401 and 403 kRefused, 429 and 503 kUnavailable, 504 kDeadline), or
// exchange()'s; kInvalid for a reply that does not fit the manifest.
Result<std::vector<NamedTensor>> infer(VerifiedConnection& connection,
                                       const std::vector<NamedTensor>& inputs,
                                       const InferOptions& options);

// The two halves of infer(), for callers that send by themselves.
struct PreparedRequest {
  net::Request http;
  std::vector<SharedBytes> body;  // shares the memory of the inputs
  std::string id;
};
// kInvalid when the inputs do not fit the manifest, kUnsupported for types without a datatype.
Result<PreparedRequest> make_question(const bundle::Manifest& manifest,
                                      const std::vector<NamedTensor>& inputs,
                                      const InferOptions& options);
// The outputs, in the manifest's order. Errors as infer()'s, but for those of exchange().
Result<std::vector<NamedTensor>> parse_response(const bundle::Manifest& manifest,
                                                const PreparedRequest& question,
                                                const net::Response& response);

}  // namespace cloister::serving
