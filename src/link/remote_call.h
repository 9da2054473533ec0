// One exchange with a worker, on one connection.
#pragma once

#include "engine/engine.h"
#include "net/client.h"
#include "wire/oip.h"

namespace cloister::serving {

struct PreparedCall {
  std::string id;
  oip::Message message;
  const TensorSpecs& specs;
  int64_t items = 1;  // 0: outputs whose first dimension is free may have any
};

// A request with an id of its own. Errors are ours, not the worker's.
Result<PreparedCall> make_call(const TensorSpecs& specs, const std::vector<Tensor>& inputs,
                               int64_t items);

// Asks for it at `target`: the outputs in spec order. Errors: kUnavailable (connection lost),
// kDeadline, kRefused (the worker says that it is busy), kInternal (it says that it failed),
// kInvalid (anything that a correct worker does not send: status, body, id, names, types, shapes).
Result<std::vector<Tensor>> exchange(net::Connection& connection, const std::string& target,
                                     const PreparedCall& call, Seconds limit);

// Whether the model at `path` has the body's specs.
Result<> check_metadata(net::Connection& connection, const std::string& path,
                        const TensorSpecs& specs, Seconds limit);

// Whether it says that it is ready.
Result<> check_ready(net::Connection& connection, const std::string& path, Seconds limit);

}  // namespace cloister::serving
