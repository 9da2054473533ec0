#include "tee/trusted.h"

#include <cmath>
#include <future>
#include <limits>

#include "tests/support/fake_program.h"
#include "tests/support/hostile_worker.h"

namespace cloister::serving {
namespace {

using std::chrono_literals::operator""s;
using test::Asked;
using test::elementwise;
using test::expect_error;
using test::FakeProgram;
using test::floats;
using test::floats_of;
using test::HostileWorker;
using test::RawSocket;
using test::value_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Seconds kLong{20};

TensorSpec spec(const std::string& name) {
  return {name, DType::kF32, {-1, 2}};
}

// x -> x + 1 (head) -> * 10 (body, elsewhere) -> - 1 (tail).
class TrustedSide : public testing::Test {
 protected:
  TrustedSide() {
    segments_.inputs = {spec("x")};
    segments_.outputs = {spec("z")};
    segments_.head = elementwise("x", "h", [](float v) { return v + 1; });
    segments_.body = TensorSpecs{{spec("h")}, {spec("y")}};
    segments_.tail = elementwise("y", "z", [](float v) { return v - 1; });
    options_.batcher = {.max_batch = 4, .delay = std::chrono::seconds(0)};
  }

  Result<std::unique_ptr<Trusted>> make(WorkerPool* remote) {
    return Trusted::start(std::move(segments_), options_, remote, metrics_);
  }
  void start() {
    remote_.emplace(WorkerPoolOptions{.workers = {worker_.url()}, .answer_limit = kLong},
                    *segments_.body, metrics_);
    ASSERT_TRUE(remote_->wait_up(kLong));
    trusted_ = value_of(make(&*remote_));
  }
  std::future<Result<Answer>> ask(const std::vector<float>& values, Clock::duration limit = 20s) {
    auto promise = std::make_shared<std::promise<Result<Answer>>>();
    auto future = promise->get_future();
    const auto items = static_cast<int64_t>(values.size() / 2);
    trusted_->submit({.inputs = {floats({items, 2}, values)},
                      .items = items,
                      .deadline = Clock::now() + limit,
                      .done = [promise](Result<Answer> a) { promise->set_value(std::move(a)); }});
    return future;
  }

  Metrics metrics_;
  HostileWorker worker_{elementwise("h", "y", [](float v) { return v * 10; })};
  TrustedSegments segments_;
  TrustedOptions options_;
  std::optional<WorkerPool> remote_;
  std::unique_ptr<Trusted> trusted_;
};

TEST_F(TrustedSide, RunsAllSegments) {
  start();
  EXPECT_THAT(floats_of(value_of(ask({0, 1}).get()).outputs[0]), ElementsAre(9, 19));
}

TEST_F(TrustedSide, SendsNothingButTheBodysInput) {
  std::mutex mutex;
  std::vector<std::string> names;
  std::vector<float> values;
  worker_.set_script([&](RawSocket& socket, const Asked& asked) {
    const std::scoped_lock lock(mutex);
    for (const NamedTensor& input : asked.request.inputs) names.push_back(input.name);
    values = floats_of(asked.request.inputs[0].tensor);
    EXPECT_TRUE(asked.request.parameters.empty());
    return HostileWorker::honest(socket, asked);
  });
  start();
  ASSERT_TRUE(ask({0, 1}).get());
  EXPECT_THAT(names, ElementsAre("h"));
  EXPECT_THAT(values, ElementsAre(1, 2));
}

TEST_F(TrustedSide, RefusesSegmentsThatDoNotFit) {
  expect_error(make(nullptr), Kind::kInvalid, "the plan needs a worker");
}

TEST_F(TrustedSide, RefusesABodyThatTakesAnInput) {
  segments_.body = TensorSpecs{{spec("x")}, {spec("y")}};
  remote_.emplace(WorkerPoolOptions{}, *segments_.body, metrics_);
  expect_error(make(&*remote_), Kind::kRefused, "the body takes 'x', an input of the model");
}

TEST_F(TrustedSide, RefusesSegmentsThatMissSomething) {
  segments_.tail = elementwise("w", "z", [](float v) { return v; });
  remote_.emplace(WorkerPoolOptions{}, *segments_.body, metrics_);
  expect_error(make(&*remote_), Kind::kInvalid,
               "the tail needs 'w', which nothing before it makes");
}

TEST_F(TrustedSide, RefusesToCheckWithoutTheBody) {
  options_.verify_rate = 0.5;
  remote_.emplace(WorkerPoolOptions{}, *segments_.body, metrics_);
  expect_error(make(&*remote_), Kind::kInvalid, "the body is not loaded");
}

TEST_F(TrustedSide, HasNoUseForAWorkerWhereAllIsTrusted) {
  segments_.outputs = {spec("h")};
  segments_.body.reset();
  segments_.tail.reset();
  remote_.emplace(WorkerPoolOptions{}, TensorSpecs{}, metrics_);
  expect_error(make(&*remote_), Kind::kInvalid, "has no use for a worker");
}

TEST_F(TrustedSide, DoesNotAskForWhatIsTooLate) {
  segments_.head = std::make_unique<FakeProgram>(
      std::vector{spec("x")}, std::vector{spec("h")},
      [](const std::vector<TensorView>& in) -> Result<std::vector<Tensor>> {
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        return std::vector{floats(in[0].shape, {0, 0})};
      });
  start();
  expect_error(ask({0, 1}, std::chrono::milliseconds(50)).get(), Kind::kDeadline, "time allowed");
  EXPECT_EQ(worker_.asked(), 0);
  EXPECT_TRUE(trusted_->ready());
}

// Two requests of one item that run as one batch.
class Together : public TrustedSide {
 protected:
  Together() { options_.batcher = {.max_batch = 2, .delay = 20s}; }
};

TEST_F(Together, OnlyWhoHasNonFiniteValuesIsToldSo) {
  start();
  auto bad = ask({std::numeric_limits<float>::quiet_NaN(), 1});
  auto good = ask({0, 1});
  EXPECT_TRUE(value_of(bad.get()).non_finite);
  const Answer answer = value_of(good.get());
  EXPECT_FALSE(answer.non_finite);
  EXPECT_THAT(floats_of(answer.outputs[0]), ElementsAre(9, 19));
  EXPECT_EQ(worker_.asked(), 1) << "they did not run together";
}

TEST_F(Together, OneThatCantBeRunDoesNotSpoilTheOther) {
  segments_.head = std::make_unique<FakeProgram>(
      std::vector{spec("x")}, std::vector{spec("h")},
      [](const std::vector<TensorView>& in) -> Result<std::vector<Tensor>> {
        std::vector<float> values;
        for (const float value : in[0].as<float>()) {
          if (value < 0) return invalid("index out of range");
          values.push_back(value + 1);
        }
        return std::vector{floats(in[0].shape, values)};
      });
  start();
  auto bad = ask({-1, 1});
  auto good = ask({0, 1});
  expect_error(bad.get(), Kind::kInvalid, "index out of range");
  EXPECT_THAT(floats_of(value_of(good.get()).outputs[0]), ElementsAre(9, 19));
}

TEST_F(TrustedSide, WithoutBatchesAnyFirstExtentIsTheModelsOwn) {
  options_.batcher.max_batch = 1;
  start();
  auto promise = std::make_shared<std::promise<Result<Answer>>>();
  trusted_->submit({.inputs = {floats({2, 2}, {0, 1, 2, 3})},
                    .deadline = Clock::now() + 20s,
                    .done = [promise](Result<Answer> a) { promise->set_value(std::move(a)); }});
  EXPECT_THAT(floats_of(value_of(promise->get_future().get()).outputs[0]),
              ElementsAre(9, 19, 29, 39));
  EXPECT_TRUE(trusted_->ready());
}

TEST_F(TrustedSide, ComputesAgainInside) {
  segments_.checker = elementwise("h", "y", [](float v) { return v * 10; });
  options_.verify_rate = 1;
  options_.verify_stops = true;
  worker_.set_script([](RawSocket& socket, const Asked& asked) {
    return socket.send(asked.changed([](oip::InferResponse& r) {
      r.outputs[0].tensor = floats({1, 2}, {10.001F, 20});  // within the tolerance
    }));
  });
  start();
  ASSERT_TRUE(ask({0, 1}).get());
  EXPECT_TRUE(trusted_->ready());
  worker_.set_script([](RawSocket& socket, const Asked& asked) {
    return socket.send(asked.changed([](oip::InferResponse& r) {
      r.outputs[0].tensor = floats({1, 2}, {10.1F, 20});
    }));
  });
  EXPECT_THAT(floats_of(value_of(ask({0, 1}).get()).outputs[0]), ElementsAre(9, 19));
  EXPECT_THAT(metrics_.text(), HasSubstr("cloister_checks_total{result=\"mismatch\"} 1\n"));
  expect_error(ask({0, 1}).get(), Kind::kUnavailable, "stopped: a worker's result");
  expect_error(trusted_->ready(), Kind::kUnavailable, "stopped");
}

TEST_F(TrustedSide, AnswersWhoWaitsWhenItEnds) {
  start();
  std::vector<std::future<Result<Answer>>> asked;
  for (int i = 0; i < 50; ++i) asked.push_back(ask({0, 1}));
  trusted_.reset();
  for (auto& answer : asked) {
    const auto got = answer.get();
    EXPECT_TRUE(got || got.error().kind == Kind::kUnavailable);
  }
}

}  // namespace
}  // namespace cloister::serving
