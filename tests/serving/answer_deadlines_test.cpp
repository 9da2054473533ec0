#include "serving/answer_deadlines.h"

#include "tests/support/net.h"

namespace cloister::serving {
namespace {

using Clock = AnswerDeadlines::Clock;
using testing::ElementsAre;

const Error kLate{Kind::kUnavailable, "late"};

// What those who waited were told.
class Told {
 public:
  Respond answer() {
    return [this](Result<net::Response> made) {
      said.push_back(made ? test::text_of(*made) : made.error().message);
    };
  }
  std::vector<std::string> said;
};

net::Response made() {
  return net::text_response(200, "text/plain", "made");
}

TEST(PatienceTest, WhatComesFirstCounts) {
  AnswerDeadlines patience;
  const Clock::time_point now = Clock::now();
  Told early;
  Told late;
  Respond first = patience.limit(early.answer(), now + std::chrono::seconds(1));
  Respond second = patience.limit(late.answer(), now + std::chrono::seconds(1));
  first(made());
  patience.answer_overdue(now, kLate);
  EXPECT_TRUE(late.said.empty());
  patience.answer_overdue(now + std::chrono::seconds(1), kLate);
  patience.answer_overdue(now + std::chrono::seconds(2), kLate);
  second(made());
  EXPECT_THAT(early.said, ElementsAre("made"));
  EXPECT_THAT(late.said, ElementsAre("late"));
}

TEST(PatienceTest, AnswersAllAtTheEnd) {
  AnswerDeadlines patience;
  Told told;
  Respond answer = patience.limit(told.answer(), Clock::now() + std::chrono::hours(1));
  patience.answer_all({Kind::kUnavailable, "the end"});
  answer(made());
  EXPECT_THAT(told.said, ElementsAre("the end"));
}

TEST(PatienceTest, WhatIsDroppedIsForgotten) {
  AnswerDeadlines patience;
  Told told;
  patience.limit(told.answer(), Clock::now()) = nullptr;
  patience.answer_all(kLate);
  EXPECT_TRUE(told.said.empty());
}

}  // namespace
}  // namespace cloister::serving
