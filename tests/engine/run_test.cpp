#include "engine/run.h"

#include <gmock/gmock.h>

#include "tests/engine/small_models.h"

namespace cloister {
namespace {

using test::floats;
using test::values;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Adds its inputs, f32[1] each, and gives the sum under every output name.
class Sum final : public Program {
 public:
  Sum(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
    for (const std::string& name : inputs) inputs_.push_back({name, DType::kF32, {1}});
    for (const std::string& name : outputs) outputs_.push_back({name, DType::kF32, {1}});
  }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs) override {
    TRY_OK(check_inputs(inputs_, inputs));
    float sum = 0;
    for (const TensorView& input : inputs) sum += input.as<float>()[0];
    return std::vector<Tensor>(outputs_.size(), floats({1}, {sum}));
  }

 private:
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

using Programs = std::vector<std::unique_ptr<Program>>;

Programs head_and_body() {
  Programs programs;
  programs.push_back(
      std::make_unique<Sum>(std::vector<std::string>{"x", "y"}, std::vector<std::string>{"h"}));
  // x goes past the head into the body.
  programs.push_back(
      std::make_unique<Sum>(std::vector<std::string>{"h", "x"}, std::vector<std::string>{"z"}));
  return programs;
}

TEST(RunSegments, RoutesTensorsByName) {
  const auto results = run_segments(
      head_and_body(), {{"y", floats({1}, {10})}, {"x", floats({1}, {1})}}, {"z", "h", "y"});
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->size(), 3u);
  EXPECT_EQ((*results)[0].name, "z");
  EXPECT_THAT(values<float>((*results)[0].tensor), ElementsAre(12));
  EXPECT_THAT(values<float>((*results)[1].tensor), ElementsAre(11));
  EXPECT_THAT(values<float>((*results)[2].tensor), ElementsAre(10));
}

TEST(RunSegments, SaysWhichSegmentAndWhichTensor) {
  const auto message = [](const std::vector<NamedTensor>& inputs, const std::string& output) {
    const auto results = run_segments(head_and_body(), inputs, {output});
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().kind, Kind::kInvalid);
    return results.error().message;
  };
  const NamedTensor x{"x", floats({1}, {1})};
  const NamedTensor y{"y", floats({1}, {10})};
  EXPECT_THAT(message({x}, "z"), HasSubstr("segment 1 needs 'y'"));
  EXPECT_THAT(message({x, y, x}, "z"), HasSubstr("'x' is given twice"));
  EXPECT_THAT(message({x, y}, "none"), HasSubstr("no segment outputs 'none'"));
  EXPECT_THAT(message({x, {"y", floats({2}, {1, 2})}}, "z"),
              HasSubstr("segment 1: input 'y': got f32[2], want f32[1]"));
}

TEST(RunSegments, OneIsTheModelItself) {
  auto segments = head_and_body();
  segments.resize(1);
  const NamedTensor x{"x", floats({1}, {1})};
  const auto message = [&](const std::vector<NamedTensor>& inputs) {
    const auto results = run_segments(segments, inputs, {"h"});
    return results ? std::string("accepted") : results.error().message;
  };
  EXPECT_EQ(message({x}), "input 'y' is missing");
  EXPECT_EQ(message({x, {"y", floats({2}, {1, 2})}}), "input 'y': got f32[2], want f32[1]");
}

}  // namespace
}  // namespace cloister
