// One question in the Open Inference Protocol and its answer, for whoever asks a server: the
// trusted side its workers, clients the trusted side.
#pragma once

#include "net/http.h"
#include "tensor/spec.h"
#include "wire/oip.h"

namespace cloister {

// Plain data.
struct OipCall {
  std::string id;  // of its own, which the reply must carry
  oip::Message message;
};

// Asks for the outputs in `wanted`; for all of the model's where there are none. Errors: kIo (no
// random id), and those of the codec.
Result<OipCall> make_call(std::vector<NamedTensor> inputs, const std::vector<TensorSpec>& wanted,
                          oip::Encoding encoding);

// The outputs that `specs` names, in that order, of a response with status 200. A first dimension
// that is not fixed must be `items`; 0: anything. kInvalid for anything else, naming it.
Result<std::vector<Tensor>> read_reply(const net::Response& response, std::string_view id,
                                       const std::vector<TensorSpec>& specs, int64_t items);

}  // namespace cloister
