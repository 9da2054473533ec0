#include "graph/zoo/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace cloister::zoo {
namespace {

using ::testing::ElementsAre;

std::vector<float> floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST(Random, IsTheSameOnEveryPlatform) {
  // From an independent implementation, in Python.
  const RandomStream stream(1, "conv1.weight");
  EXPECT_EQ(stream[0], 0x3859d217ba7740dc);
  EXPECT_EQ(stream[1], 0x5174ed555995e6b5);
  EXPECT_EQ(stream[1'000'000], 0xf69fcf2378d4cb10);
  EXPECT_THAT(floats(uniform_f32(stream, 4, {.centre = 1.0f, .radius = 0.3f})),
              ElementsAre(0.8320723176002502f, 0.890914261341095f, 1.0043257474899292f,
                          0.8200375437736511f));
}

TEST(Random, IsUniformAndDependsOnSeedAndName) {
  constexpr int kCount = 100'000;
  const auto draw = [](uint64_t seed, std::string_view name) {
    return floats(uniform_f32(RandomStream(seed, name), kCount, {.centre = 2.0f, .radius = 3.0f}));
  };
  const std::vector<float> a = draw(1, "a");
  double sum = 0, squares = 0;
  for (const float value : a) {
    ASSERT_GE(value, -1.0f);
    ASSERT_LE(value, 5.0f);
    sum += value;
    squares += (value - 2.0) * (value - 2.0);
  }
  EXPECT_NEAR(sum / kCount, 2.0, 0.03);      // five standard errors
  EXPECT_NEAR(squares / kCount, 3.0, 0.05);  // radius^2 / 3
  for (const auto& other : {draw(2, "a"), draw(1, "b")}) {
    double covariance = 0;
    for (int i = 0; i < kCount; ++i) covariance += (a[i] - 2.0) * (other[i] - 2.0);
    EXPECT_NEAR(covariance / kCount, 0.0, 0.05);
  }
}

}  // namespace
}  // namespace cloister::zoo
