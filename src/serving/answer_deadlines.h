// Bounds how long callers wait for an answer, even if the answering thread hangs.
#pragma once

#include <vector>

#include "serving/answer_later.h"

namespace cloister::serving {

// Thread-safe.
class AnswerDeadlines {
 public:
  using Clock = std::chrono::steady_clock;

  // `answer` with a limit: it is called once, with what comes first.
  Respond limit(Respond answer, Clock::time_point until);
  // Answers those whose time is over.
  void answer_overdue(Clock::time_point now, const Error& why);
  void answer_all(const Error& why) { answer_overdue(Clock::time_point::max(), why); }

 private:
  struct Waiting;

  std::mutex mutex_;
  std::vector<std::weak_ptr<Waiting>> waiting_;
};

}  // namespace cloister::serving
