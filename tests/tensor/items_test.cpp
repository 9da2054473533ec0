#include "tensor/items.h"

#include <gtest/gtest.h>

#include "tests/support/result.h"

namespace cloister {
namespace {

using test::value_of;

Tensor rows(const std::vector<float>& values) {
  return value_of(Tensor::copy_of(DType::kF32, {static_cast<int64_t>(values.size() / 2), 2},
                                  std::as_bytes(std::span(values))));
}

TEST(Items, AreTakenAndPutTogether) {
  const Tensor all = rows({1, 2, 3, 4, 5, 6});
  const Tensor first = value_of(slice_items(all, 0, 1));
  const Tensor rest = value_of(slice_items(all, 1, 2));
  EXPECT_EQ(rest.shape(), (Shape{2, 2}));
  EXPECT_EQ(rest.as<float>()[0], 3);
  EXPECT_EQ(rest.data().data(), all.data().data() + 8) << "it shares the memory";
  const Tensor again = value_of(concatenate({first, rest}));
  EXPECT_EQ(again.shape(), all.shape());
  EXPECT_TRUE(std::ranges::equal(again.data(), all.data()));
}

}  // namespace
}  // namespace cloister
