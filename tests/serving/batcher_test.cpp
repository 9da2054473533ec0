#include "serving/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>

#include "tests/support/fake_program.h"

namespace cloister::serving {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using test::floats;

// A request whose answer can be waited for.
struct Asked {
  std::promise<Result<Answer>> promise;
  std::future<Result<Answer>> answer = promise.get_future();

  Job job(int64_t items = 1, Clock::duration limit = 60s) {
    return {.inputs = {floats({items, 2}, std::vector<float>(static_cast<size_t>(items) * 2))},
            .items = items,
            .deadline = Clock::now() + limit,
            .done = [this](Result<Answer> a) { promise.set_value(std::move(a)); }};
  }
};

// Answers batches and remembers their sizes; the first one waits to be let go.
struct Recorder {
  Metrics metrics;
  std::latch started{1};
  std::latch go{1};
  std::mutex mutex;
  std::vector<int64_t> batches;

  Batcher::Run run() {
    return [this](std::vector<Job> jobs) {
      int64_t items = 0;
      for (const Job& job : jobs) items += job.items;
      bool first = false;
      {
        const std::scoped_lock lock(mutex);
        first = batches.empty();
        batches.push_back(items);
      }
      if (first) {
        started.count_down();
        go.wait();
      }
      for (Job& job : jobs) job.done(Answer{});
    };
  }
};

TEST(Batcher, WhoComesMeanwhileRunsTogether) {
  Recorder recorder;
  std::vector<Asked> asked(6);
  Batcher batcher({.queue_limit = 10, .max_batch = 4}, recorder.metrics, recorder.run());
  batcher.push(asked[0].job());
  recorder.started.wait();
  for (size_t i = 1; i < 6; ++i) batcher.push(asked[i].job());
  recorder.go.count_down();
  for (Asked& one : asked) EXPECT_TRUE(one.answer.get());
  EXPECT_THAT(recorder.batches, testing::ElementsAre(1, 4, 1));
}

TEST(Batcher, ABatchIsNeverTooLarge) {
  Recorder recorder;
  std::vector<Asked> asked(4);
  Batcher batcher({.queue_limit = 10, .max_batch = 4}, recorder.metrics, recorder.run());
  batcher.push(asked[0].job());
  recorder.started.wait();
  batcher.push(asked[1].job(3));
  batcher.push(asked[2].job(2));  // does not fit beside 3
  batcher.push(asked[3].job(1));  // does
  recorder.go.count_down();
  for (Asked& one : asked) EXPECT_TRUE(one.answer.get());
  EXPECT_THAT(recorder.batches, testing::ElementsAre(1, 4, 2));
}

TEST(Batcher, AFullQueueSaysSo) {
  Recorder recorder;
  std::vector<Asked> asked(4);
  Batcher batcher({.queue_limit = 2}, recorder.metrics, recorder.run());
  batcher.push(asked[0].job());
  recorder.started.wait();
  for (size_t i = 1; i < 4; ++i) batcher.push(asked[i].job());
  const auto refused = asked[3].answer.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kUnavailable);
  EXPECT_EQ(refused.error().message, "busy: 2 requests are waiting");
  recorder.go.count_down();
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(asked[i].answer.get());
}

TEST(Batcher, WhatIsTooLateIsNotRun) {
  Recorder recorder;
  std::vector<Asked> asked(2);
  Batcher batcher({}, recorder.metrics, recorder.run());
  batcher.push(asked[0].job());
  recorder.started.wait();
  batcher.push(asked[1].job(1, -1ms));
  recorder.go.count_down();
  EXPECT_TRUE(asked[0].answer.get());
  const auto late = asked[1].answer.get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Kind::kDeadline);
  EXPECT_THAT(recorder.batches, testing::ElementsAre(1));
}

TEST(Batcher, EverybodyIsAnsweredAtTheEnd) {
  Recorder recorder;
  std::vector<Asked> asked(3);
  {
    Batcher batcher({}, recorder.metrics, recorder.run());
    for (Asked& one : asked) batcher.push(one.job());
    recorder.started.wait();
    recorder.go.count_down();
  }
  for (Asked& one : asked) {
    const auto answer = one.answer.get();
    EXPECT_TRUE(answer || answer.error().kind == Kind::kUnavailable);
  }
}

TEST(Batcher, WaitsForOthersWhereAsked) {
  Recorder recorder;
  recorder.go.count_down();
  std::vector<Asked> asked(2);
  Batcher batcher({.max_batch = 2, .delay = std::chrono::seconds(30)}, recorder.metrics,
                  recorder.run());
  for (Asked& one : asked) batcher.push(one.job());
  for (Asked& one : asked) EXPECT_TRUE(one.answer.get());
  EXPECT_THAT(recorder.batches, testing::ElementsAre(2));
}

}  // namespace
}  // namespace cloister::serving
