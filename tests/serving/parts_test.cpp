#include "serving/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_program.h"

namespace cloister::serving {
namespace {

using test::floats;
using test::floats_of;
using testing::ElementsAre;
using testing::HasSubstr;

// Jobs of so many items each, of one number; the numbers count up.
std::vector<Job> jobs_of(const std::vector<int64_t>& items) {
  std::vector<Job> jobs;
  float next = 1;
  for (const int64_t count : items) {
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(next++);
    jobs.push_back({.inputs = {floats({count, 1}, values)}, .items = count});
  }
  return jobs;
}

std::vector<std::vector<float>> values_of(const std::vector<Part>& parts) {
  std::vector<std::vector<float>> values;
  for (const Part& part : parts) {
    values.push_back(floats_of(part.inputs[0]));
    EXPECT_EQ(part.items, part.inputs[0].shape()[0]);
  }
  return values;
}

TEST(Parts, GathersSmallJobsAndDividesLargeOnes) {
  const auto parts = parts_of(jobs_of({1, 1, 1, 5, 1}), 2);
  ASSERT_TRUE(parts);
  EXPECT_THAT(values_of(*parts), ElementsAre(ElementsAre(1, 2), ElementsAre(3), ElementsAre(4, 5),
                                             ElementsAre(6, 7), ElementsAre(8, 9)));
}

TEST(Parts, OneByOneNothingIsCopied) {
  const std::vector<Job> jobs = jobs_of({1, 2});
  const auto parts = parts_of(jobs, 1);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 3U);
  EXPECT_EQ((*parts)[0].inputs[0].data().data(), jobs[0].inputs[0].data().data());
  EXPECT_EQ((*parts)[1].inputs[0].data().data(), jobs[1].inputs[0].data().data());
}

TEST(Parts, AllTogetherIsOnePart) {
  const auto parts = parts_of(jobs_of({2, 1}), 8);
  ASSERT_TRUE(parts);
  EXPECT_THAT(values_of(*parts), ElementsAre(ElementsAre(1, 2, 3)));
}

TEST(Parts, LargeItemsGoOneByOne) {
  const auto at_once = [](int64_t width, std::vector<int64_t> features) {
    const Tensor input = Tensor::make(DType::kF32, {2, width}).value();
    return items_at_once({.inputs = {input}, .items = 2},
                         {{"f", DType::kF32, std::move(features)}});
  };
  EXPECT_EQ(at_once(150'000, {-1, 24, 56, 56}), 1);
  EXPECT_EQ(at_once(25'000, {-1, 25'000}), 5);
  EXPECT_GT(at_once(100, {-1, 32}), 1000);
  EXPECT_EQ(at_once(25'000, {-1, -1, 25'000}), 10);
}

TEST(Parts, JoinsWhatTheyGave) {
  const auto parts = parts_of(jobs_of({1, 2}), 2);
  ASSERT_TRUE(parts);
  const auto joined = join(*parts, {{floats({1, 1}, {7})}, {floats({2, 1}, {8, 9})}});
  ASSERT_TRUE(joined);
  EXPECT_EQ((*joined)[0].shape(), Shape({3, 1}));
  EXPECT_THAT(floats_of((*joined)[0]), ElementsAre(7, 8, 9));
  const auto wrong = join(*parts, {{floats({1, 1}, {7})}, {floats({1, 1}, {8})}});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("[1,1], want 2 items"));
}

}  // namespace
}  // namespace cloister::serving
