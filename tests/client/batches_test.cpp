// More items than go into one request: split, and put together again.
#include "client/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace cloister::serving {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

Tensor counting(const Shape& shape, float first = 0) {
  auto tensor = Tensor::make(DType::kF32, shape);
  const auto values = tensor->mutable_as<float>();
  std::iota(values.begin(), values.end(), first);
  return *tensor;
}

std::vector<float> floats(const Tensor& tensor) {
  const auto values = tensor.as<float>();
  return {values.begin(), values.end()};
}

TEST(Batches, EveryItemIsInOnePiece) {
  const std::vector<NamedTensor> inputs = {{"a", counting({10, 3})}, {"b", counting({10}, 100)}};
  const auto pieces = split_items(inputs, 4);
  ASSERT_THAT(pieces, SizeIs(3));
  EXPECT_EQ(pieces[0][0].tensor.shape(), (Shape{4, 3}));
  EXPECT_EQ(pieces[2][0].tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(floats(pieces[2][0].tensor), (std::vector<float>{24, 25, 26, 27, 28, 29}));
  EXPECT_EQ(floats(pieces[1][1].tensor), (std::vector<float>{104, 105, 106, 107}));
  EXPECT_EQ(pieces[1][1].name, "b");

  const auto joined = join_items(pieces, pieces);
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_THAT(*joined, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*joined)[i].name, inputs[i].name);
    EXPECT_EQ((*joined)[i].tensor.shape(), inputs[i].tensor.shape());
    EXPECT_EQ(floats((*joined)[i].tensor), floats(inputs[i].tensor));
  }
}

TEST(Batches, PiecesOutliveTheInputs) {
  auto pieces = split_items({{"a", counting({3, 2})}}, 1);
  ASSERT_THAT(pieces, SizeIs(3));
  EXPECT_EQ(floats(pieces[2][0].tensor), (std::vector<float>{4, 5}));
}

TEST(Batches, WhatHasNoItemsInCommonStaysWhole) {
  const auto whole = [](const std::vector<NamedTensor>& inputs, int64_t most) {
    const auto pieces = split_items(inputs, most);
    return pieces.size() == 1 && pieces[0].size() == inputs.size();
  };
  EXPECT_TRUE(whole({{"a", counting({4, 3})}}, 4));
  EXPECT_TRUE(whole({{"a", counting({4, 3})}}, 0));
  EXPECT_TRUE(whole({{"a", counting({4, 3})}, {"b", counting({2})}}, 1));
  EXPECT_TRUE(whole({{"a", counting({4, 3})}, {"b", counting({})}}, 1));
  EXPECT_TRUE(whole({{"a", counting({0, 3})}}, 1));
  EXPECT_TRUE(whole({}, 1));
}

TEST(Batches, AnswersThatAreNotOneAnItemAreRefused) {
  const auto pieces = split_items({{"a", counting({4, 1})}}, 2);
  const auto message = [&](const Tensor& first, const Tensor& second) {
    const auto joined = join_items(pieces, {{{"y", first}}, {{"y", second}}});
    return joined ? std::string("accepted") : joined.error().message;
  };
  EXPECT_EQ(message(counting({2, 5}), counting({2, 5})), "accepted");
  EXPECT_THAT(message(counting({5}), counting({5})), HasSubstr("output 'y' is [5] for 2 items"));
  EXPECT_THAT(message(counting({}), counting({})), HasSubstr("output 'y' is [] for 2 items"));
  EXPECT_THAT(message(counting({2, 5}), counting({2, 6})),
              HasSubstr("[2,5] for some items and [2,6] for others"));
}

}  // namespace
}  // namespace cloister::serving
