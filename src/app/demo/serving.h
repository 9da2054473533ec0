// The demonstration's second half: the plan sealed, served and asked.
#pragma once

#include "app/demo/steps.h"

namespace cloister::demo {

struct Served {
  bool split = false;             // a worker has the body
  uint64_t bytes_across = 0;      // of one picture, to the worker
  uint64_t picture_bytes = 0;     // of one picture's input tensor
  double largest_difference = 0;  // of all answers from the whole model's
};

// Makes keys, seals model.onnx by plan.json, starts worker, server and proxy on loopback, sends
// `pictures` through the proxy with curl and compares the answers with the whole model's.
// `audited`: there is an audit and a report to put in.
Result<Served> seal_and_serve(const Options& options, const std::vector<std::string>& pictures,
                              bool audited);

}  // namespace cloister::demo
