#include "serving/answer_later.h"

#include <memory>

#include "serving/error_response.h"

namespace cloister::serving {

Respond answer_to(net::Respond respond) {
  return [respond = std::move(respond)](Result<net::Response> made) mutable {
    respond(made ? std::move(*made) : error_response(made.error()));
  };
}

void answer_later(TaskThread& thread, Respond answer,
                  std::move_only_function<Result<net::Response>()> work, Error full) {
  // A thread that does not take the task drops it, and the answer must outlive that.
  const auto held = std::make_shared<Respond>(std::move(answer));
  const bool added = thread.add([held, work = std::move(work)]() mutable { (*held)(work()); });
  if (!added) (*held)(std::unexpected(std::move(full)));
}

}  // namespace cloister::serving
