// Inference over a verified connection.
#pragma once

#include <functional>

#include "client/verified_pool.h"
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

// How many items a server is to be asked about at once, where each place of the inputs' first
// dimension is one: its largest batch; without batches as many as the model is fixed to, or 1.
int64_t most_items(const bundle::Manifest& manifest);

// The inputs in pieces of at most `most` items, as split_items() makes them. Those of a model that
// takes batches are checked first, so that errors are those of the whole: kInvalid.
Result<std::vector<std::vector<NamedTensor>>> split_question(const bundle::Manifest& manifest,
                                                             const std::vector<NamedTensor>& inputs,
                                                             int64_t most);

// infer() in as many requests as it takes, each of at most `most` items, whose answers are put one
// behind the other. `limit` is for each of them. One that the server is too busy for is asked again
// within its limit, once there was an answer to another. `tick` is told how many of how many
// requests are done. Errors also as join_items()'s.
Result<std::vector<NamedTensor>> infer_items(VerifiedPool& pool,
                                             const std::vector<NamedTensor>& inputs, int64_t most,
                                             const InferOptions& options,
                                             const std::function<void(size_t, size_t)>& tick = {});

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
