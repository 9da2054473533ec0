// One exchange with a worker, on one connection.
#pragma once

#include "engine/engine.h"
#include "net/client.h"
#include "wire/oip.h"

namespace cloister::runtime {

// What the body takes and gives. Extents of -1: the batch (the first one), or free.
struct RemotePorts {
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};

struct RemoteCall {
  std::string id;
  oip::Message message;
  const RemotePorts& ports;
  int64_t items = 1;  // 0: outputs whose first extent is free may have any
};

// A request with an id of its own. Errors are ours, not the worker's.
Result<RemoteCall> make_call(const RemotePorts& ports, const std::vector<Tensor>& inputs,
                             int64_t items);

// Asks for it at `target`: the outputs in port order. Errors: kUnavailable (connection lost),
// kDeadline, kRefused (the worker says that it is busy), kInternal (it says that it failed),
// kInvalid (anything that a correct worker does not send: status, body, id, names, types, shapes).
Result<std::vector<Tensor>> exchange(net::Connection& connection, const std::string& target,
                                     const RemoteCall& call, Seconds limit);

// Whether the model at `path` has the body's ports.
Result<> check_metadata(net::Connection& connection, const std::string& path,
                        const RemotePorts& ports, Seconds limit);

// Whether it says that it is ready.
Result<> check_ready(net::Connection& connection, const std::string& path, Seconds limit);

}  // namespace cloister::runtime
