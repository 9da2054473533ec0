#include "base/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NearestTexts, NearestFirst) {
  const std::vector<std::string> known = {"conv2", "relu", "conv1", "pool", "convert"};
  EXPECT_THAT(nearest_texts("conv1", known, 2), ElementsAre("conv1", "conv2"));
  EXPECT_THAT(nearest_texts("rellu", known, 1), ElementsAre("relu"));
  // Ties in the order given.
  EXPECT_THAT(nearest_texts("conv", known, 2), ElementsAre("conv2", "conv1"));
}

TEST(NearestTexts, OddNumbers) {
  EXPECT_THAT(nearest_texts("a", {}, 3), IsEmpty());
  EXPECT_THAT(nearest_texts("a", {"b"}, 0), IsEmpty());
  EXPECT_THAT(nearest_texts("", {"abc", "", "a"}, 5), ElementsAre("", "a", "abc"));
}

TEST(NearestTexts, LongTextsAreComparedByTheirStart) {
  const std::string text(100000, 'x');
  const std::vector<std::string> known = {std::string(199, 'x'), std::string(100000, 'x')};
  EXPECT_EQ(nearest_texts(text, known, 1)[0].size(), 100000U);
}

// The textbook recursion.
size_t distance(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const size_t replaced = distance(a.substr(1), b.substr(1)) + (a[0] == b[0] ? 0 : 1);
  return std::min({replaced, distance(a.substr(1), b) + 1, distance(a, b.substr(1)) + 1});
}

TEST(NearestTexts, AgreesWithTheDefinition) {
  std::mt19937 random(5);
  const auto word = [&] {
    std::string text(random() % 6, ' ');
    for (char& letter : text) letter = static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    const std::string text = word();
    std::vector<std::string> known;
    for (int i = 0; i < 6; ++i) known.push_back(word());
    const auto nearest = nearest_texts(text, known, known.size());
    std::ranges::stable_sort(known, {}, [&](const std::string& k) { return distance(text, k); });
    EXPECT_EQ(nearest, known) << text;
  }
}

}  // namespace
}  // namespace cloister
