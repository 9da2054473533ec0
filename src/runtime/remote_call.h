// One exchange with a worker, on one connection. Included by remote.cpp and its tests.
#pragma once

#include "net/client.h"
#include "runtime/remote.h"

namespace cloister::runtime {

struct RemoteCall {
  std::string target;
  std::string id;
  const RemotePorts& ports;
  int64_t items = 1;
};

// The outputs in port order. Errors: kUnavailable (connection lost), kDeadline, kRefused (the
// worker says that it is busy), kInvalid (anything that a correct worker does not send: status,
// body, id, names, types, shapes).
Result<std::vector<Tensor>> exchange(net::Connection& connection, const RemoteCall& call,
                                     const std::vector<Tensor>& inputs, Seconds limit);

// Whether the model at `path` has the body's ports.
Result<> check_metadata(net::Connection& connection, const std::string& path,
                        const RemotePorts& ports, Seconds limit);

// Whether it says that it is ready.
Result<> check_ready(net::Connection& connection, const std::string& path, Seconds limit);

}  // namespace cloister::runtime
