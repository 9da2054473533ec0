// Column scores against numpy (tests/data/metrics/make.py), and their edges.
#include "data/table_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/data.h"

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class TableMetrics : public testing::Test {
 protected:
  std::vector<double> column(const std::string& name) const {
    std::vector<double> out;
    for (const auto& cell : json_[name]) out.push_back(cell.is_null() ? kNan : cell.get<double>());
    return out;
  }
  double number(const std::string& name) const { return json_[name].get<double>(); }

  nlohmann::json json_ = nlohmann::json::parse(*read_file(test::data_path("metrics/tables.json")));
};

TEST_F(TableMetrics, NumericColumnAgreesWithNumpy) {
  const auto marginal = fit_marginal(false, column("train"));
  ASSERT_TRUE(marginal) << marginal.error().message;
  EXPECT_DOUBLE_EQ(marginal->median, number("median"));
  EXPECT_DOUBLE_EQ(marginal->mode, number("mode"));
  EXPECT_NEAR(marginal->sigma, number("sigma"), 1e-12);
  EXPECT_DOUBLE_EQ(marginal->step, number("step"));
  const auto scores = score_column(*marginal, column("test"), column("answer"));
  ASSERT_TRUE(scores) << scores.error().message;
  EXPECT_EQ(scores->count, number("count"));
  EXPECT_NEAR(*scores->r2, number("r2"), 1e-12);
  EXPECT_DOUBLE_EQ(scores->within_tolerance, number("within"));
  EXPECT_DOUBLE_EQ(scores->exact, number("exact"));
  EXPECT_DOUBLE_EQ(scores->baseline_within_tolerance, number("baseline_within"));
  EXPECT_DOUBLE_EQ(scores->baseline_exact, number("baseline_exact"));
}

TEST_F(TableMetrics, CategoricalColumnAgreesWithNumpy) {
  const auto marginal = fit_marginal(true, column("codes_train"));
  const auto scores = score_column(*marginal, column("codes"), column("guesses"));
  ASSERT_TRUE(scores) << scores.error().message;
  EXPECT_FALSE(scores->r2);
  EXPECT_DOUBLE_EQ(scores->exact, number("codes_exact"));
  EXPECT_DOUBLE_EQ(scores->within_tolerance, number("codes_exact"));
  EXPECT_DOUBLE_EQ(scores->baseline_exact, number("codes_baseline"));
}

TEST(TableMetric, StepIsTheCoarsestThatFits) {
  EXPECT_EQ(fit_marginal(false, std::vector{80.0, 443.0})->step, 1);
  EXPECT_EQ(fit_marginal(false, std::vector{1.0, 0.5})->step, 0.1);
  EXPECT_EQ(fit_marginal(false, std::vector{0.000102, 290.371539})->step, 1e-6);
  EXPECT_EQ(fit_marginal(false, std::vector{M_PI})->step, 0);
}

TEST(TableMetric, PerfectAnswersScoreOne) {
  const std::vector values = {1.0, 2.0, kNan, 4.0};
  const auto scores = score_column(*fit_marginal(false, values), values, values);
  EXPECT_EQ(scores->count, 3U);
  EXPECT_EQ(*scores->r2, 1);
  EXPECT_EQ(scores->exact, 1);
}

TEST(TableMetric, ConstantColumnHasNoR2AndMatchesExactly) {
  const std::vector values(5, 0.1);
  const auto marginal = fit_marginal(false, values);
  EXPECT_EQ(marginal->sigma, 0);
  const auto scores = score_column(*marginal, values, std::vector{0.1, 0.1, 0.1, 0.3, kNan});
  EXPECT_FALSE(scores->r2);
  EXPECT_DOUBLE_EQ(scores->within_tolerance, 0.6);
  EXPECT_DOUBLE_EQ(scores->baseline_within_tolerance, 1);
}

TEST(TableMetric, RowsCountWhatCameBack) {
  const std::vector original = {1.0, kNan, 3.0};
  const std::vector answer = {1.0, 2.0, 9.0};
  std::vector<uint32_t> hits(3);
  std::vector<uint32_t> cells(3);
  const Marginal numeric = *fit_marginal(false, std::vector{0.0, 1.0});
  ASSERT_TRUE(count_row_matches(numeric, original, answer, hits, cells));
  ASSERT_TRUE(count_row_matches(numeric, original, original, hits, cells));
  EXPECT_THAT(hits, ElementsAre(2, 0, 1));
  EXPECT_THAT(cells, ElementsAre(2, 0, 2));
  EXPECT_FALSE(count_row_matches(numeric, original, answer, hits, std::span(cells).first(2)));
}

TEST(TableMetric, RefusesWhatItCanNotScore) {
  const std::vector values = {1.0, 2.0};
  const Marginal marginal = *fit_marginal(false, values);
  EXPECT_THAT(fit_marginal(false, std::vector{kNan}).error().message, HasSubstr("0 of 1"));
  EXPECT_THAT(fit_marginal(false, std::vector{double{INFINITY}}).error().message,
              HasSubstr("row 0"));
  EXPECT_THAT(fit_marginal(true, std::vector{0.5}).error().message, HasSubstr("whole number"));
  EXPECT_FALSE(score_column(marginal, values, std::span(values).first(1)));
  EXPECT_FALSE(score_column(marginal, values, std::vector{1.0, double{INFINITY}}));
  EXPECT_FALSE(score_column(marginal, std::vector{kNan}, std::vector{1.0}));
}

}  // namespace
}  // namespace cloister::audit
