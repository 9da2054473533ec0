#include "tee/steps.h"

#include "tests/support/fake_program.h"
#include "tests/support/result.h"

namespace cloister::serving {
namespace {

using test::elementwise;
using test::expect_error;
using test::value_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TensorSpec step_spec(const std::string& name) {
  return {name, DType::kF32, {-1, 2}};
}

LoadedSegment trusted(const PlannedSegment& planned, const std::string& from,
                      const std::string& to) {
  return {.info = {planned, {step_spec(from)}, {step_spec(to)}},
          .program = elementwise(from, to, [](float v) { return v; })};
}

LoadedSegment untrusted(const PlannedSegment& planned, std::vector<TensorSpec> from,
                        std::vector<TensorSpec> to) {
  return {.info = {planned, std::move(from), std::move(to)}};
}

// x -> head -> h -> body -> y -> tail -> z.
std::vector<LoadedSegment> three() {
  const auto planned = segments_between({"c1", "c2"});
  std::vector<LoadedSegment> out;
  out.push_back(trusted(planned[0], "x", "h"));
  out.push_back(untrusted(planned[1], {step_spec("h")}, {step_spec("y")}));
  out.push_back(trusted(planned[2], "y", "z"));
  return out;
}

TEST(Steps, NamesBecomeSlots) {
  const Steps steps = value_of(make_steps({{step_spec("x")}, {step_spec("z")}}, three()));
  EXPECT_EQ(steps.slots, 4U);
  ASSERT_EQ(steps.steps.size(), 3U);
  EXPECT_EQ(steps.first_offload, 1U);
  EXPECT_EQ(steps.steps[0].inputs, steps.inputs);
  EXPECT_EQ(steps.steps[1].inputs, steps.steps[0].outputs);
  EXPECT_TRUE(steps.steps[1].offload);
  EXPECT_EQ(steps.steps[2].outputs, steps.outputs);
  EXPECT_EQ(steps.carried, steps.steps[0].outputs);
  EXPECT_FALSE(steps.inputs_carried);
}

TEST(Steps, TensorsAreLetGoWhenNothingNeedsThem) {
  const Steps steps =
      value_of(make_steps({{step_spec("x")}, {step_spec("z"), step_spec("h")}}, three()));
  EXPECT_EQ(steps.steps[0].last_used, steps.inputs);
  EXPECT_THAT(steps.steps[1].last_used, IsEmpty()) << "h is an output of the model";
  EXPECT_EQ(steps.steps[2].last_used, steps.steps[1].outputs);
}

TEST(Steps, AnInputThatTheAnswerNeedsIsCarried) {
  const Steps steps =
      value_of(make_steps({{step_spec("x")}, {step_spec("z"), step_spec("x")}}, three()));
  EXPECT_TRUE(steps.inputs_carried);
  EXPECT_THAT(steps.carried, ElementsAre(steps.steps[0].outputs[0]));
}

TEST(Steps, AllTrusted) {
  std::vector<LoadedSegment> one;
  one.push_back(trusted(segments_between({})[0], "x", "z"));
  const Steps steps = value_of(make_steps({{step_spec("x")}, {step_spec("z")}}, one));
  EXPECT_EQ(steps.first_offload, 1U);
  EXPECT_EQ(steps.carried, steps.outputs);
}

// Nothing here knows of head, body and tail.
TEST(Steps, FiveSegments) {
  const auto planned = segments_between({"c1", "c2", "c3", "c4"});
  std::vector<LoadedSegment> five;
  five.push_back(trusted(planned[0], "x", "a"));
  five.push_back(untrusted(planned[1], {step_spec("a")}, {step_spec("b")}));
  five.push_back(trusted(planned[2], "b", "c"));
  five.push_back(untrusted(planned[3], {step_spec("c")}, {step_spec("d")}));
  five.push_back(trusted(planned[4], "d", "z"));
  const Steps steps = value_of(make_steps({{step_spec("x")}, {step_spec("z")}}, five));
  EXPECT_EQ(steps.first_offload, 1U);
  EXPECT_EQ(std::ranges::count(steps.steps, true, &Step::offload), 2);
}

TEST(Steps, ProgramsMustBeTheirSegments) {
  auto wrong = three();
  wrong[0].program = elementwise("x", "g", [](float v) { return v; });
  expect_error(make_steps({{step_spec("x")}, {step_spec("z")}}, wrong), Kind::kInvalid,
               "head: its model has no output 'h'");
  wrong = three();
  wrong[2].program.reset();
  expect_error(make_steps({{step_spec("x")}, {step_spec("z")}}, wrong), Kind::kInvalid,
               "tail: not loaded");
}

}  // namespace
}  // namespace cloister::serving
