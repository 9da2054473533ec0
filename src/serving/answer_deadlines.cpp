#include "serving/answer_deadlines.h"

#include <atomic>

namespace cloister::serving {

struct AnswerDeadlines::Waiting {
  void give(Result<net::Response> made) {
    if (answered.exchange(true)) return;
    // What it holds goes with it, though others still know this one.
    Respond taken = std::move(answer);
    taken(std::move(made));
  }

  Respond answer;
  Clock::time_point until;
  std::atomic<bool> answered = false;
};

Respond AnswerDeadlines::limit(Respond answer, Clock::time_point until) {
  auto waiting = std::make_shared<Waiting>(std::move(answer), until);
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(waiting_, [](const auto& known) { return known.expired(); });
    waiting_.push_back(waiting);
  }
  return [waiting = std::move(waiting)](Result<net::Response> made) {
    waiting->give(std::move(made));
  };
}

void AnswerDeadlines::answer_overdue(Clock::time_point now, const Error& why) {
  std::vector<std::shared_ptr<Waiting>> overdue;
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(waiting_, [&](const auto& known) {
      auto waiting = known.lock();
      if (waiting && waiting->until > now) return false;
      if (waiting) overdue.push_back(std::move(waiting));
      return true;
    });
  }
  for (const auto& waiting : overdue) waiting->give(std::unexpected(why));
}

}  // namespace cloister::serving
