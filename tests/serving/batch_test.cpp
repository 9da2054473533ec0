#include "serving/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_program.h"

namespace cloister::serving {
namespace {

using test::floats;
using test::floats_of;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<TensorSpec> kPorts = {{"x", DType::kF32, {-1, 2}}};

std::string complaint(const std::vector<Tensor>& inputs, int64_t max_batch,
                      const std::vector<TensorSpec>& specs = kPorts) {
  const auto items = count_items(specs, inputs, max_batch);
  return items ? fmt::format("{} items", *items) : items.error().message;
}

TEST(Batch, CountsItems) {
  EXPECT_EQ(complaint({floats({3, 2}, std::vector<float>(6))}, 8), "3 items");
  EXPECT_EQ(complaint({floats({1, 2}, {1, 2})}, 1, {{"x", DType::kF32, {1, 2}}}), "1 items");
}

TEST(Batch, RefusesWhatDoesNotFit) {
  EXPECT_EQ(complaint({floats({9, 2}, std::vector<float>(18))}, 8),
            "input 'x': got [9,2], want 1 to 8 items as its first dimension");
  EXPECT_THAT(complaint({floats({0, 2}, {})}, 8), HasSubstr("got [0,2], want no dimension of 0"));
  EXPECT_EQ(complaint({floats({1, 0}, {})}, 1, {{"x", DType::kF32, {-1, -1}}}),
            "input 'x': got [1,0], want no dimension of 0");
  EXPECT_THAT(complaint({floats({1, 3}, {1, 2, 3})}, 8), HasSubstr("got f32[1,3], want f32[?,2]"));
  EXPECT_THAT(complaint({}, 8), HasSubstr("got 0 inputs, want 1"));
  const std::vector<TensorSpec> two = {{"x", DType::kF32, {-1, 2}}, {"y", DType::kF32, {-1}}};
  EXPECT_EQ(complaint({floats({2, 2}, {1, 2, 3, 4}), floats({3}, {1, 2, 3})}, 8, two),
            "input 'y': got 3 items, input 'x' has 2");
}

// What a model computes may grow with the square of what a client sends.
TEST(Batch, RefusesDimensionsOverTheirBound) {
  const std::vector<TensorSpec> specs = {{"x", DType::kF32, {-1, -1}, {-1, 2}}};
  EXPECT_EQ(complaint({floats({1, 2}, {1, 2})}, 8, specs), "1 items");
  EXPECT_EQ(complaint({floats({1, 3}, {1, 2, 3})}, 8, specs),
            "input 'x': got f32[1,3], want f32[?,?<=2]");
}

TEST(Batch, StacksAndSlices) {
  std::vector<Job> jobs;
  jobs.push_back({.inputs = {floats({1, 2}, {1, 2})}, .items = 1});
  jobs.push_back({.inputs = {floats({2, 2}, {3, 4, 5, 6})}, .items = 2});
  ASSERT_TRUE(fit_together(jobs[0], jobs[1]));
  const auto stacked = stack(jobs);
  ASSERT_TRUE(stacked);
  EXPECT_EQ((*stacked)[0].shape(), Shape({3, 2}));
  EXPECT_THAT(floats_of((*stacked)[0]), ElementsAre(1, 2, 3, 4, 5, 6));
  const auto part = slice(*stacked, 3, 1, 2);
  ASSERT_TRUE(part);
  EXPECT_EQ((*part)[0].shape(), Shape({2, 2}));
  EXPECT_THAT(floats_of((*part)[0]), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(slice(*stacked, 4, 0, 1).error().message,
            "an output is [3,2], want 4 items as its first dimension");
}

TEST(Batch, OneJobIsNotCopied) {
  std::vector<Job> jobs;
  jobs.push_back({.inputs = {floats({1, 2}, {1, 2})}, .items = 1});
  EXPECT_EQ(stack(jobs).value()[0].data().data(), jobs[0].inputs[0].data().data());
}

TEST(Batch, OtherShapesDoNotFitTogether) {
  const Job a{.inputs = {floats({1, 2}, {1, 2})}};
  const Job b{.inputs = {floats({1, 1}, {1})}};
  EXPECT_FALSE(fit_together(a, b));
}

TEST(Batch, EveryJobGetsItsShare) {
  Metrics metrics;
  std::vector<std::vector<float>> got(2);
  std::vector<Job> jobs;
  for (size_t i = 0; i < 2; ++i) {
    jobs.push_back({.inputs = {floats({1, 2}, {0, 0})},
                    .items = 1,
                    .done = [&got, i](Result<Answer> a) { got[i] = floats_of(a->outputs[0]); }});
  }
  answer(std::move(jobs), std::vector{floats({2, 2}, {1, 2, 3, 4})}, {}, metrics);
  EXPECT_THAT(got, ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4)));
}

}  // namespace
}  // namespace cloister::serving
