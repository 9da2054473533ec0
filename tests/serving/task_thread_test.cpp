#include "serving/task_thread.h"

#include <atomic>

#include "tests/support/net.h"

namespace cloister::serving {
namespace {

using std::chrono::milliseconds;

TEST(TaskThreadTest, DoesOneAfterTheOther) {
  std::vector<int> done;
  {
    TaskThread thread(100, milliseconds(60'000), [] {});
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(thread.add([&done, i] { done.push_back(i); }));
    }
  }
  ASSERT_EQ(done.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(done));
}

TEST(TaskThreadTest, TakesNoMoreThanItMay) {
  std::atomic<bool> go = false;
  std::atomic<bool> busy = false;
  TaskThread thread(2, milliseconds(60'000), [] {});
  const auto wait = [&] {
    busy = true;
    while (!go) std::this_thread::yield();
  };
  EXPECT_TRUE(thread.add(wait));
  ASSERT_TRUE(test::eventually([&] { return busy.load(); }));
  EXPECT_TRUE(thread.add([] {}));
  EXPECT_TRUE(thread.add([] {}));
  EXPECT_FALSE(thread.add([] {}));
  go = true;
}

TEST(TaskThreadTest, TicksWhileThereIsNothingToDo) {
  std::atomic<int> ticks = 0;
  TaskThread thread(2, milliseconds(1), [&] { ++ticks; });
  EXPECT_TRUE(test::eventually([&] { return ticks > 2; }));
}

TEST(TaskThreadTest, EndsWithWhatItDoes) {
  std::atomic<bool> done = false;
  TaskThread thread(2);
  EXPECT_TRUE(thread.add([&] { done = true; }));
  ASSERT_TRUE(test::eventually([&] { return done.load(); }));
  EXPECT_TRUE(thread.end_by(std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  EXPECT_FALSE(thread.add([] {}));
}

TEST(TaskThreadTest, CanBeLeftWithWhatHangs) {
  struct Held {
    std::atomic<bool> go = false;
    std::atomic<bool> busy = false;
    std::atomic<int> further = 0;
  };
  const auto held = std::make_shared<Held>();
  std::optional<TaskThread> thread(std::in_place, 2);
  EXPECT_TRUE(thread->add([held] {
    held->busy = true;
    while (!held->go) std::this_thread::yield();
  }));
  ASSERT_TRUE(test::eventually([&] { return held->busy.load(); }));
  EXPECT_TRUE(thread->add([held] { ++held->further; }));
  EXPECT_FALSE(thread->end_by(std::chrono::steady_clock::now() + milliseconds(1)));
  EXPECT_EQ(held.use_count(), 2);  // what waited was dropped
  thread.reset();
  held->go = true;
  EXPECT_TRUE(test::eventually([&] { return held.use_count() == 1; }));
  EXPECT_EQ(held->further, 0);
}

}  // namespace
}  // namespace cloister::serving
