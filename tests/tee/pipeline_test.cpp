#include "tee/pipeline.h"

#include <cmath>
#include <future>
#include <limits>

#include "tests/support/fake_program.h"
#include "tests/support/hostile_worker.h"
#include "tests/support/patience.h"
#include "tests/support/pooled.h"

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

TensorSpec spec(const std::string& name) {
  return {name, DType::kF32, {-1, 2}};
}

LoadedSegment segment(const PlannedSegment& planned, const std::string& from, const std::string& to,
                      std::unique_ptr<Program> program) {
  return {.info = {planned, {spec(from)}, {spec(to)}}, .program = std::move(program)};
}

// x -> x + 1 (head) -> * 10 (body, elsewhere) -> - 1 (tail).
class Pipelines : public testing::Test {
 protected:
  Pipelines() {
    const auto planned = segments_between({"c1", "c2"});
    model_.served = {{spec("x")}, {spec("z")}};
    model_.segments.push_back(
        segment(planned[0], "x", "h", elementwise("x", "h", [](float v) { return v + 1; })));
    model_.segments.push_back(segment(planned[1], "h", "y", nullptr));
    model_.segments.push_back(
        segment(planned[2], "y", "z", elementwise("y", "z", [](float v) { return v - 1; })));
    options_.batcher = {.max_batch = 4, .delay = std::chrono::seconds(0)};
  }

  LoadedSegment& head() { return model_.segments[0]; }
  LoadedSegment& body() { return model_.segments[1]; }

  Result<std::unique_ptr<Pipeline>> make(const std::vector<WorkerPool*>& pools) {
    return Pipeline::start(std::move(model_), options_, pools, metrics_);
  }
  WorkerPool* pool(const std::vector<net::Url>& workers) {
    const TensorSpecs specs{body().info.inputs, body().info.outputs};
    return &pool_.emplace(test::pooled(workers, specs),
                          WorkerPoolOptions{.answer_limit = cloister::test::kPatience}, metrics_);
  }
  void start() {
    WorkerPool* const workers = pool({worker_.url()});
    ASSERT_TRUE(test::eventually([&] { return workers->is_up(); }));
    pipeline_ = value_of(make({workers}));
  }
  std::future<Result<Answer>> ask(const std::vector<float>& values, Clock::duration limit = 20s) {
    auto promise = std::make_shared<std::promise<Result<Answer>>>();
    auto future = promise->get_future();
    const auto items = static_cast<int64_t>(values.size() / 2);
    pipeline_->submit({.inputs = {floats({items, 2}, values)},
                       .items = items,
                       .deadline = Clock::now() + limit,
                       .done = [promise](Result<Answer> a) { promise->set_value(std::move(a)); }});
    return future;
  }

  Metrics metrics_;
  HostileWorker worker_{elementwise("h", "y", [](float v) { return v * 10; })};
  PipelineModel model_;
  PipelineOptions options_;
  std::optional<WorkerPool> pool_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(Pipelines, RunsAllSegments) {
  start();
  EXPECT_THAT(floats_of(value_of(ask({0, 1}).get()).outputs[0]), ElementsAre(9, 19));
}

TEST_F(Pipelines, SendsNothingButTheBodysInput) {
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

TEST_F(Pipelines, NeedsWorkersForEveryUntrustedSegment) {
  expect_error(make({}), Kind::kInvalid, "1 untrusted segments, and there are workers for 0");
}

TEST_F(Pipelines, RefusesABodyThatTakesAnInput) {
  body().info.inputs = {spec("x")};
  expect_error(make({pool({})}), Kind::kRefused, "body: it would see the model's input 'x'");
}

TEST_F(Pipelines, RefusesSegmentsThatMissSomething) {
  model_.segments[2].info.inputs = {spec("w")};
  expect_error(make({pool({})}), Kind::kInvalid, "tail: nothing makes its input 'w'");
}

TEST_F(Pipelines, RefusesAProgramThatIsNotItsSegment) {
  head().program = elementwise("x", "g", [](float v) { return v; });
  expect_error(make({pool({})}), Kind::kInvalid, "head: its model has no output 'h'");
}

TEST_F(Pipelines, RefusesToCheckWithoutTheBody) {
  options_.verify_rate = 0.5;
  expect_error(make({pool({})}), Kind::kInvalid, "'body' is not loaded");
}

TEST_F(Pipelines, HasNoUseForAWorkerWhereAllIsTrusted) {
  const auto planned = segments_between({});
  model_.served.outputs = {spec("h")};
  model_.segments.resize(1);
  head().info = {planned[0], {spec("x")}, {spec("h")}};
  WorkerPool none({}, {}, metrics_);
  expect_error(make({&none}), Kind::kInvalid, "0 untrusted segments, and there are workers for 1");
}

TEST_F(Pipelines, DoesNotAskForWhatIsTooLate) {
  head().program = std::make_unique<FakeProgram>(
      std::vector{spec("x")}, std::vector{spec("h")},
      [](const std::vector<TensorView>& in) -> Result<std::vector<Tensor>> {
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        return std::vector{floats(in[0].shape, {0, 0})};
      });
  start();
  expect_error(ask({0, 1}, std::chrono::milliseconds(50)).get(), Kind::kDeadline, "time allowed");
  EXPECT_EQ(worker_.asked(), 0);
  EXPECT_TRUE(pipeline_->ready());
}

// Two requests of one item that run as one batch.
class Together : public Pipelines {
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
  head().program = std::make_unique<FakeProgram>(
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

// What the tail says may quote values of whoever it can't be run for.
TEST_F(Together, OneThatTheTailCantRunDoesNotSpoilTheOther) {
  model_.segments[2].program = std::make_unique<FakeProgram>(
      std::vector{spec("y")}, std::vector{spec("z")},
      [](const std::vector<TensorView>& in) -> Result<std::vector<Tensor>> {
        std::vector<float> values;
        for (const float value : in[0].as<float>()) {
          if (value < 0) return invalid("index {} out of range", value);
          values.push_back(value - 1);
        }
        return std::vector{floats(in[0].shape, values)};
      });
  start();
  auto bad = ask({-7, 1});
  auto good = ask({0, 1});
  expect_error(bad.get(), Kind::kInvalid, "index -60 out of range");
  EXPECT_THAT(floats_of(value_of(good.get()).outputs[0]), ElementsAre(9, 19));
  EXPECT_EQ(worker_.asked(), 1) << "they did not run together";
}

// Engines have crashed on tensors without elements.
TEST_F(Pipelines, RunsNoTailOnNothing) {
  options_.batcher.max_batch = 1;
  body().info.outputs[0].dims = {-1, -1};
  worker_.set_script([](RawSocket& socket, const Asked& asked) {
    return socket.send(asked.changed([](oip::InferResponse& response) {
      response.outputs[0].tensor = floats({1, 0}, {});
    }));
  });
  start();
  expect_error(ask({0, 1}).get(), Kind::kInternal, "'y' is [1,0], and a trusted segment follows");
  EXPECT_TRUE(pipeline_->ready()) << "it may be what the body gives";
}

TEST_F(Pipelines, WithoutBatchesAnyFirstExtentIsTheModelsOwn) {
  options_.batcher.max_batch = 1;
  start();
  auto promise = std::make_shared<std::promise<Result<Answer>>>();
  pipeline_->submit({.inputs = {floats({2, 2}, {0, 1, 2, 3})},
                     .deadline = Clock::now() + 20s,
                     .done = [promise](Result<Answer> a) { promise->set_value(std::move(a)); }});
  EXPECT_THAT(floats_of(value_of(promise->get_future().get()).outputs[0]),
              ElementsAre(9, 19, 29, 39));
  EXPECT_TRUE(pipeline_->ready());
}

TEST_F(Pipelines, ComputesAgainInside) {
  body().program = elementwise("h", "y", [](float v) { return v * 10; });
  options_.verify_rate = 1;
  options_.verify_stops = true;
  worker_.set_script([](RawSocket& socket, const Asked& asked) {
    return socket.send(asked.changed([](oip::InferResponse& r) {
      r.outputs[0].tensor = floats({1, 2}, {10.001F, 20});  // within the tolerance
    }));
  });
  start();
  ASSERT_TRUE(ask({0, 1}).get());
  EXPECT_TRUE(pipeline_->ready());
  worker_.set_script([](RawSocket& socket, const Asked& asked) {
    return socket.send(asked.changed([](oip::InferResponse& r) {
      r.outputs[0].tensor = floats({1, 2}, {10.1F, 20});
    }));
  });
  EXPECT_THAT(floats_of(value_of(ask({0, 1}).get()).outputs[0]), ElementsAre(9, 19));
  EXPECT_THAT(metrics_.text(), HasSubstr("cloister_checks_total{result=\"mismatch\"} 1\n"));
  expect_error(ask({0, 1}).get(), Kind::kUnavailable, "stopped: a worker's result");
  expect_error(pipeline_->ready(), Kind::kUnavailable, "stopped");
}

TEST_F(Pipelines, AnswersWhoWaitsWhenItEnds) {
  start();
  std::vector<std::future<Result<Answer>>> asked;
  for (int i = 0; i < 50; ++i) asked.push_back(ask({0, 1}));
  pipeline_.reset();
  for (auto& answer : asked) {
    const auto got = answer.get();
    EXPECT_TRUE(got || got.error().kind == Kind::kUnavailable);
  }
}

}  // namespace
}  // namespace cloister::serving
