// Rows to features and back; everything fitted on the training part alone.
#include "data/table_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::IsNan;

std::vector<size_t> first(size_t count) {
  std::vector<size_t> out(count);
  std::iota(out.begin(), out.end(), size_t{0});
  return out;
}

const Table& table() {
  static const Table made = *parse_table(
      "n,c,m,k\n"
      "1,a,5,9\n"
      "2,b,-,9\n"
      "3,a,7,9\n"
      "6,-,9,9\n"
      "100,z,-,8\n",
      {});
  return made;
}

std::vector<float> row(const Tensor& tensor, size_t i) {
  const auto width = static_cast<size_t>(tensor.shape()[1]);
  const auto all = tensor.as<float>().subspan(i * width, width);
  return {all.begin(), all.end()};
}

TEST(TableEncoder, FitsOnTheTrainingPartAlone) {
  const auto encoder = TableEncoder::fit(table(), first(4), {});
  ASSERT_TRUE(encoder) << encoder.error().message;
  EXPECT_EQ(encoder->width(), 1U + 3U + 2U + 1U);
  const double mean = 3;
  const double deviation = std::sqrt(14.0 / 4);
  const Tensor rows = *encoder->encode(table(), first(5));
  EXPECT_EQ(rows.shape(), Shape({5, 7}));
  const auto standard = [&](double x) {
    return FloatNear(static_cast<float>((x - mean) / deviation), 1e-5F);
  };
  const float low = static_cast<float>(-2 / std::sqrt(8.0 / 3));
  EXPECT_THAT(row(rows, 0), ElementsAre(standard(1), 1, 0, 0, FloatNear(low, 1e-6F), 0, 0));
  EXPECT_THAT(row(rows, 1), ElementsAre(standard(2), 0, 1, 0, 0, 1, 0)) << "median 7, indicator";
  EXPECT_THAT(row(rows, 3), ElementsAre(standard(6), 0, 0, 1, FloatNear(-low, 1e-6F), 0, 0));
  EXPECT_THAT(row(rows, 4), ElementsAre(standard(100), 0, 0, 0, 0, 1, -1)) << "'z' is new";
}

TEST(TableEncoder, DecodesWhatItEncodes) {
  for (const Scaling scaling : {Scaling::kStandard, Scaling::kMinMax, Scaling::kLogStandard}) {
    for (const CategoryCode code : {CategoryCode::kOneHot, CategoryCode::kOrdinal}) {
      const auto encoder = TableEncoder::fit(table(), first(5), {scaling, code, 64});
      ASSERT_TRUE(encoder);
      const Tensor rows = *encoder->encode(table(), first(5));
      for (size_t c = 0; c < table().columns.size(); ++c) {
        const auto values = encoder->decode(rows.view(), c);
        ASSERT_TRUE(values);
        for (size_t i = 0; i < 5; ++i) {
          const double want = table().columns[c].value(i);
          if (std::isnan(want)) {
            EXPECT_THAT((*values)[i], IsNan());
          } else {
            EXPECT_NEAR((*values)[i], want, 1e-4 * std::max(1.0, std::abs(want)));
          }
        }
      }
    }
  }
}

TEST(TableEncoder, RareCategoriesShareOneSlot) {
  const Table made = *parse_table("c,i\na,1\nb,2\nb,3\nc,4\nd,5\nd,6\n", {});
  const auto encoder = TableEncoder::fit(made, first(6), {.max_categories = 3});
  const ColumnCode& code = encoder->columns()[0];
  EXPECT_THAT(code.slots, ElementsAre(1, 3, -1));
  EXPECT_EQ(code.merged, 2U);
  const Tensor rows = *encoder->encode(made, first(6));
  EXPECT_THAT(*encoder->decode(rows.view(), 0), ElementsAre(-1, 1, 1, -1, 3, 3));
}

TEST(TableEncoder, MarginalsUseTheSameValues) {
  const auto encoder = TableEncoder::fit(table(), first(4), {});
  EXPECT_EQ(encoder->marginal(table(), first(4), 1)->mode, 0) << "'a' twice";
  EXPECT_EQ(encoder->marginal(table(), first(4), 2)->median, 7);
  EXPECT_FALSE(encoder->marginal(table(), first(4), 9));
}

TEST(TableEncoder, RefusesWhatDoesNotFit) {
  EXPECT_THAT(TableEncoder::fit(table(), {}, {}).error().message, HasSubstr("no training rows"));
  EXPECT_FALSE(TableEncoder::fit(table(), first(6), {}));
  EXPECT_FALSE(TableEncoder::fit(table(), first(4), {.max_categories = 1}));
  const auto encoder = TableEncoder::fit(table(), first(4), {});
  EXPECT_FALSE(encoder->encode(table(), first(6)));
  const Tensor wrong = *Tensor::make(DType::kF32, {2, 6});
  EXPECT_THAT(encoder->decode(wrong.view(), 0).error().message, HasSubstr("want one of 4 of f32"));
  const Table other = *parse_table("a\n1\n", {});
  EXPECT_FALSE(encoder->encode(other, first(1)));
}

}  // namespace
}  // namespace cloister::audit
