#include "engine/probe.h"

#include <gmock/gmock.h>

#include "tests/engine/small_models.h"

namespace cloister {
namespace {

using test::node;
using test::small_segment;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// x f32[N,4]; y = x's elements that are not zero, so of unknown number; s a scalar.
Segment model() {
  return small_segment({{"x", DType::kF32, {-1, 4}}},
                       node("NonZero", {"x"}, "y") + node("Size", {"x"}, "s"),
                       {{"y", DType::kI64, {2, -1}}, {"s", DType::kI64, {}}});
}

TEST(Probe, InfersTypesAndLeavesOpenWhatDependsOnValues) {
  const auto types = onnxruntime_probe().infer(model().model);
  ASSERT_TRUE(types) << types.error().message;
  ASSERT_EQ(types->size(), 2u);
  EXPECT_EQ((*types)[0].dtype, DType::kI64);
  EXPECT_THAT((*types)[0].dims.value(), ElementsAre(2, -1));
  EXPECT_EQ((*types)[1].dtype, DType::kI64);
  EXPECT_THAT((*types)[1].dims.value(), IsEmpty());
}

TEST(Probe, RunsOnZeros) {
  const auto types = onnxruntime_probe().run(model());
  ASSERT_TRUE(types) << types.error().message;
  ASSERT_EQ(types->size(), 2u);
  EXPECT_THAT((*types)[0].dims.value(), ElementsAre(2, 0));
  EXPECT_THAT((*types)[1].dims.value(), IsEmpty());
}

TEST(Probe, AnOperatorThatTheRuntimeLacksIsAnError) {
  const Segment strange = small_segment({{"x", DType::kF32, {4}}}, node("NoSuch", {"x"}, "y"),
                                        {{"y", DType::kF32, {4}}});
  EXPECT_EQ(onnxruntime_probe().infer(strange.model).error().kind, Kind::kUnsupported);
  EXPECT_EQ(onnxruntime_probe().run(strange).error().kind, Kind::kUnsupported);
}

}  // namespace
}  // namespace cloister
