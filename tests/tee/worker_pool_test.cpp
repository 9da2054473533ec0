#include "tee/worker_pool.h"

#include <future>
#include <latch>

#include "tests/support/fake_program.h"
#include "tests/support/hostile_worker.h"
#include "tests/support/patience.h"
#include "tests/support/pooled.h"
#include "tests/tee/hostile_answers.h"

namespace cloister::serving {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using test::Asked;
using test::eventually;
using test::expect_error;
using test::floats;
using test::HostileWorker;
using test::http_text;
using test::RawSocket;
using test::stall;
using test::value_of;

bool lie(RawSocket& socket, const Asked&) {
  return socket.send(http_text(200, "{}"));
}

class Workers : public testing::Test {
 protected:
  Workers() {
    options_.answer_limit = cloister::test::kPatience;
    options_.probe_interval = Seconds(0.02);
    options_.quarantine = Seconds(0.05);
  }

  WorkerPool& start(const std::vector<net::Url>& workers) {
    return remote_.emplace(test::pooled(workers, specs_), options_, metrics_);
  }
  void wait_all_up() {
    for (const HostileWorker* worker : {&first_, &second_}) {
      EXPECT_TRUE(eventually([&] {
        return metrics_.text().contains(
            fmt::format("up{{worker=\"127.0.0.1:{}\"}} 1\n", worker->port()));
      }));
    }
  }
  // The values of [1,2] after a worker had them.
  Result<std::vector<float>> ask(std::chrono::milliseconds limit = 20s) {
    TRY(reply, remote_->call({floats({1, 2}, {1, 2})}, 1, Clock::now() + limit));
    last_ = reply.worker;
    return test::floats_of(reply.outputs[0]);
  }
  bool counted(const std::string& reason, const HostileWorker& worker, int count) {
    return metrics_.text().contains(
        fmt::format("cloister_worker_failures_total{{reason=\"{}\",worker=\"127.0.0.1:{}\"}} {}\n",
                    reason, worker.port(), count));
  }
  static std::unique_ptr<Program> plus_one() {
    return test::elementwise("h", "y", [](float v) { return v + 1; });
  }

  const std::vector<float> right_ = {2, 3};
  const TensorSpecs specs_{{{"h", DType::kF32, {-1, 2}}}, {{"y", DType::kF32, {-1, 2}}}};
  HostileWorker first_{plus_one()};
  HostileWorker second_{plus_one()};
  WorkerPoolOptions options_;
  Metrics metrics_;
  std::optional<WorkerPool> remote_;
  size_t last_ = 0;
};

TEST_F(Workers, GoWithoutAWorkerUntilOneIsThere) {
  WorkerPool& remote = start({{.host = "127.0.0.1", .port = 1}});
  EXPECT_FALSE(remote.is_up());
  EXPECT_FALSE(eventually([&] { return remote.is_up(); }, Seconds(0.05)));
  expect_error(ask(), Kind::kUnavailable, "no worker is up");
}

TEST_F(Workers, TakeNoModelThatIsNotTheBody) {
  first_.set_metadata(R"({"name":"m","inputs":[],"outputs":[]})");
  WorkerPool& remote = start({first_.url(), second_.url()});
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  EXPECT_EQ(ask(), right_);
  EXPECT_EQ(last_, 1U);
  EXPECT_EQ(first_.asked(), 0);
  first_.set_metadata(std::nullopt);
  EXPECT_TRUE(eventually([&] { return ask() == right_ && last_ == 0; }))
      << "the first is preferred";
}

TEST_F(Workers, SeeThatAWorkerIsNotReady) {
  WorkerPool& remote = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  first_.set_ready(false);
  EXPECT_TRUE(eventually([&] { return !remote.is_up(); }));
  first_.set_ready(true);
  EXPECT_TRUE(eventually([&] { return remote.is_up(); }));
}

TEST_F(Workers, ThatRefuseAllRequestsAreNotUp) {
  first_.set_trial(test::status(422));
  WorkerPool& remote = start({first_.url()});
  EXPECT_TRUE(eventually([&] { return counted("refuses", first_, 1); }));
  expect_error(remote.ready(), Kind::kUnavailable,
               "no worker is up: one refuses all inference requests");
  EXPECT_FALSE(eventually([&] { return remote.is_up(); }, Seconds(0.5)));
  EXPECT_TRUE(counted("refuses", first_, 1)) << "once, not at each look";
  EXPECT_EQ(first_.asked(), 0);
  first_.set_trial(HostileWorker::honest);
  EXPECT_TRUE(eventually([&] { return ask() == right_; }));
}

TEST_F(Workers, DoNotWaitForWhoStalls) {
  options_.answer_limit = Seconds(0.1);
  start({first_.url(), second_.url()});
  wait_all_up();
  first_.set_script(stall);
  EXPECT_TRUE(eventually([&] { return ask() == right_ && counted("stalled", first_, 1); }));
}

TEST_F(Workers, RememberWhoStalls) {
  options_.answer_limit = Seconds(0.1);
  options_.quarantine = Seconds(1e6);
  start({first_.url(), second_.url()});
  first_.set_script(stall);  // and answers probes, so that it is up again soon
  constexpr int kRequests = 20;
  for (int i = 0; i < kRequests; ++i) {
    wait_all_up();
    EXPECT_EQ(ask(), right_);
  }
  // It is avoided for 0.1 s, 0.2 s, 0.4 s, ...
  EXPECT_GT(first_.asked(), 0);
  EXPECT_LT(first_.asked(), kRequests / 2);
}

TEST_F(Workers, LoseNoMoreThanTwoToOneRequest) {
  HostileWorker third(plus_one());
  const auto die = [](RawSocket&, const Asked&) { return false; };
  for (HostileWorker* worker : {&first_, &second_, &third}) worker->set_script(die);
  options_.probe_interval = Seconds(1e6);
  start({first_.url(), second_.url(), third.url()});
  wait_all_up();
  ASSERT_TRUE(eventually([&] {
    return metrics_.text().contains(fmt::format("up{{worker=\"127.0.0.1:{}\"}} 1\n", third.port()));
  }));
  expect_error(ask(), Kind::kUnavailable, "the worker failed");
  EXPECT_EQ(first_.asked() + second_.asked() + third.asked(), 2);
}

TEST_F(Workers, LetNobodysHurryTakeAWorkerFromOthers) {
  WorkerPool& remote = start({first_.url(), second_.url()});
  wait_all_up();
  first_.set_script(stall);
  expect_error(ask(30ms), Kind::kDeadline, "within the time allowed");
  EXPECT_TRUE(counted("deadline", first_, 1));
  EXPECT_TRUE(remote.is_up());
  // Whoever let a client down is asked last for a while.
  EXPECT_EQ(ask(), right_);
  EXPECT_EQ(last_, 1U);
  expect_error(ask(0ms), Kind::kDeadline, "within the time allowed");
  EXPECT_EQ(first_.asked() + second_.asked(), 2);
}

TEST_F(Workers, KeepWorkersThatSayThatTheyFailed) {
  WorkerPool& remote = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  first_.set_script([](RawSocket& socket, const Asked&) {
    return socket.send(http_text(400, R"({"error":"index out of range"})"));
  });
  for (int i = 1; i <= 3; ++i) {
    expect_error(ask(), Kind::kUnavailable, "the worker failed");
    EXPECT_TRUE(remote.is_up()) << "a request that can't be run took the worker from all";
    EXPECT_TRUE(counted("failed", first_, i));
  }
  first_.set_script(HostileWorker::honest);
  EXPECT_EQ(ask(), right_);
}

TEST_F(Workers, LeaveLiarsAloneForTheQuarantine) {
  options_.quarantine = Seconds(1e6);
  WorkerPool& remote = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  first_.set_script(lie);
  expect_error(ask(), Kind::kUnavailable, "the worker failed");
  first_.set_script(HostileWorker::honest);
  EXPECT_FALSE(eventually([&] { return remote.is_up(); }, Seconds(0.2)));
  EXPECT_TRUE(counted("invalid_reply", first_, 1));
}

TEST_F(Workers, TakeLiarsBackAfterIt) {
  WorkerPool& remote = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  first_.set_script(lie);
  expect_error(ask(), Kind::kUnavailable, "the worker failed");
  first_.set_script(HostileWorker::honest);
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  EXPECT_EQ(ask(), right_);
}

TEST_F(Workers, DenounceOneAndNotTheOther) {
  options_.quarantine = Seconds(1e6);
  WorkerPool& remote = start({first_.url(), second_.url()});
  ASSERT_TRUE(eventually([&] { return ask() == right_ && last_ == 0; }));
  remote.quarantine(0);
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(), right_);
    EXPECT_EQ(last_, 1U);
  }
}

TEST_F(Workers, BlameNoWorkerForWhatCantBeSent) {
  WorkerPool& remote = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  // The protocol has no complex numbers.
  const Tensor strange = value_of(Tensor::make(DType::kC64, {1, 2}));
  expect_error(remote.call({strange}, 1, Clock::now() + 20s), Kind::kUnsupported, "c64");
  EXPECT_TRUE(remote.is_up());
  EXPECT_EQ(first_.asked(), 0);
}

TEST_F(Workers, ShareTheWork) {
  WorkerPool& remote = start({first_.url(), second_.url()});
  wait_all_up();
  std::latch both{2};
  const auto together = [&](RawSocket& socket, const Asked& asked) {
    both.arrive_and_wait();  // for ever, unless each has one
    return socket.send(asked.honest_bytes());
  };
  first_.set_script(together);
  second_.set_script(together);
  auto other = std::async(std::launch::async, [&] {
    return remote.call({floats({1, 2}, {1, 2})}, 1, Clock::now() + 20s).has_value();
  });
  EXPECT_TRUE(remote.call({floats({1, 2}, {1, 2})}, 1, Clock::now() + 20s));
  EXPECT_TRUE(other.get());
}

TEST_F(Workers, AreReplaced) {
  WorkerPool& pool = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return pool.is_up(); }));
  pool.replace(test::pooled({second_.url()}, specs_));
  EXPECT_FALSE(
      metrics_.text().contains(fmt::format("up{{worker=\"127.0.0.1:{}\"}}", first_.port())));
  ASSERT_TRUE(eventually([&] { return pool.is_up(); }));
  EXPECT_EQ(value_of(ask()), right_);
  EXPECT_EQ(first_.asked(), 0);
  EXPECT_EQ(second_.asked(), 1);
  pool.quarantine(last_ - 1);  // the one that is gone
  EXPECT_TRUE(pool.is_up());
}

TEST_F(Workers, ThatStayKeepWhatIsKnownOfThem) {
  options_.quarantine = Seconds(3600);
  WorkerPool& pool = start({first_.url(), second_.url()});
  wait_all_up();
  pool.quarantine(0);
  pool.replace(test::pooled({second_.url(), first_.url()}, specs_));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(value_of(ask()), right_);
  EXPECT_EQ(first_.asked(), 0);
}

TEST_F(Workers, ThatAreRemovedAnswerWhatTheyHave) {
  std::latch asked(1);
  std::latch go_on(1);
  first_.set_script([&](RawSocket& socket, const Asked& question) {
    asked.count_down();
    go_on.wait();
    return HostileWorker::honest(socket, question);
  });
  WorkerPool& pool = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return pool.is_up(); }));
  auto answer = std::async(std::launch::async, [&] { return ask(); });
  asked.wait();
  pool.replace(test::pooled({second_.url()}, specs_));
  go_on.count_down();
  EXPECT_EQ(value_of(answer.get()), right_);
  ASSERT_TRUE(eventually([&] { return pool.is_up(); }));
  EXPECT_EQ(value_of(ask()), right_);
  EXPECT_EQ(second_.asked(), 1);
}

TEST_F(Workers, EndWhileTheyWait) {
  const WorkerPool& remote = start({first_.url()});
  ASSERT_TRUE(eventually([&] { return remote.is_up(); }));
  remote_.reset();
  options_.probe_interval = Seconds(1e6);
  start({{.host = "127.0.0.1", .port = 1}});
  remote_.reset();
}

}  // namespace
}  // namespace cloister::serving
