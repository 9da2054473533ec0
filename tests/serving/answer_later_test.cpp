#include "serving/answer_later.h"

#include <future>

#include "tests/support/net.h"

namespace cloister::serving {
namespace {

// What was answered, once.
class Peer {
 public:
  net::Respond respond() {
    return [this](net::Response response) { said_.set_value(std::move(response)); };
  }
  net::Response answer() { return said_.get_future().get(); }

 private:
  std::promise<net::Response> said_;
};

TEST(AnswerLater, AnswersFromTheThread) {
  TaskThread thread(1);
  Peer asked;
  std::thread::id by;
  answer_later(thread, answer_to(asked.respond()),
               [&] {
                 by = std::this_thread::get_id();
                 return net::text_response(200, "text/plain", "made");
               },
               {Kind::kUnavailable, "full"});
  EXPECT_EQ(test::text_of(asked.answer()), "made");
  EXPECT_NE(by, std::this_thread::get_id());
}

TEST(AnswerLater, ErrorsAreAnswers) {
  TaskThread thread(1);
  Peer asked;
  answer_later(thread, answer_to(asked.respond()), [] { return fail(Kind::kRefused, "not you"); },
               {Kind::kUnavailable, "full"});
  const net::Response response = asked.answer();
  EXPECT_EQ(response.status, 403U);
  EXPECT_THAT(test::text_of(response), testing::HasSubstr("not you"));
}

TEST(AnswerLater, SaysAtOnceThatThereIsNoRoom) {
  TaskThread none(0);
  Peer asked;
  bool worked = false;
  answer_later(none, answer_to(asked.respond()),
               [&] {
                 worked = true;
                 return net::Response();
               },
               {Kind::kUnavailable, "2 are waiting"});
  const net::Response response = asked.answer();
  EXPECT_EQ(response.status, 503U);
  EXPECT_NE(response.fields.find("Retry-After"), nullptr);
  EXPECT_THAT(test::text_of(response), testing::HasSubstr("2 are waiting"));
  EXPECT_FALSE(worked);
}

}  // namespace
}  // namespace cloister::serving
