// Answers that take longer than a server's own threads may wait.
#pragma once

#include "net/server.h"
#include "serving/task_thread.h"

namespace cloister::serving {

// Like net::Respond, but takes errors too.
using Respond = std::move_only_function<void(Result<net::Response>)>;
// Errors become what error_response() makes of them.
Respond answer_to(net::Respond respond);

// Answers with what `work` gives on `thread`; with `full`, at once, when as many wait there as may.
void answer_later(TaskThread& thread, Respond answer,
                  std::move_only_function<Result<net::Response>()> work, Error full);

}  // namespace cloister::serving
