#include "bundle/segments.h"

#include "tests/support/result.h"

namespace cloister {
namespace {

using test::expect_error;
using testing::ElementsAre;
using testing::IsEmpty;

TensorSpec spec(const std::string& name, DType dtype = DType::kF32) {
  return {name, dtype, {-1, 2}};
}

TEST(Segments, AsManyAsCutsMake) {
  EXPECT_EQ(segments_between({}), (std::vector<PlannedSegment>{{.name = "head"}}));
  const auto three = segments_between({"c1", "c2"});
  ASSERT_EQ(three.size(), 3U);
  EXPECT_EQ(three[1].name, "body");
  EXPECT_EQ(three[1].placement, Placement::kUntrusted);
  EXPECT_EQ(three[1].begin_cut, "c1");
  EXPECT_EQ(three[1].end_cut, "c2");
  EXPECT_EQ(three[2].placement, Placement::kTrusted);
  EXPECT_THAT(cuts_between(three), ElementsAre("c1", "c2"));
  EXPECT_THAT(cuts_between(segments_between({})), IsEmpty());
  for (size_t cuts = 0; cuts < 8; ++cuts) {
    std::vector<std::string> ids;
    for (size_t i = 0; i < cuts; ++i) ids.push_back("c" + std::to_string(i));
    EXPECT_TRUE(check_segments(segments_between(ids))) << cuts;
  }
}

TEST(Segments, WhatIsNoPlan) {
  const auto wrong = [](const std::string& part,
                        const std::function<void(std::vector<PlannedSegment>&)>& change) {
    auto segments = segments_between({"c1", "c2"});
    change(segments);
    expect_error(check_segments(segments), Kind::kInvalid, part);
  };
  wrong("none", [](auto& s) { s.clear(); });
  wrong("65, want at most 64", [](auto& s) { s.resize(65); });
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("9"),
                                  std::string("Head"), std::string(41, 'a')}) {
    wrong("want 1 to 40 of a-z", [&](auto& s) { s[0].name = name; });
  }
  wrong("'head' is there twice", [](auto& s) { s[2].name = "head"; });
  wrong("'body' begins at cut 'c9', want 'c1'", [](auto& s) { s[1].begin_cut = "c9"; });
  wrong("'head' begins at cut 'c0', want ''", [](auto& s) { s[0].begin_cut = "c0"; });
  wrong("ends at a cut, and is the last", [](auto& s) { s[2].end_cut = "c3"; });
  wrong("'head' has no end", [](auto& s) { s[0].end_cut.clear(); });
  wrong("cut 'c1' is there twice", [](auto& s) { s[1].end_cut = s[2].begin_cut = "c1"; });
  wrong("both untrusted: one segment", [](auto& s) { s[2].placement = Placement::kUntrusted; });
}

TEST(Segments, WordsReadBack) {
  for (const Placement placement : {Placement::kTrusted, Placement::kUntrusted}) {
    Placement again = Placement::kTrusted;
    ASSERT_TRUE(from_string(to_string(placement), again));
    EXPECT_EQ(again, placement);
  }
  Transform transform = Transform::kNone;
  EXPECT_TRUE(from_string(to_string(Transform::kNone), transform));
  expect_error(from_string("blinded", transform), Kind::kInvalid, "'blinded', want none");
}

class Flow : public testing::Test {
 protected:
  Flow() {
    const auto planned = segments_between({"c1", "c2"});
    segments_ = {{planned[0], {spec("x")}, {spec("h")}},
                 {planned[1], {spec("h")}, {spec("y")}},
                 {planned[2], {spec("y"), spec("x")}, {spec("z")}}};
  }
  TensorSpecs served_{{spec("x")}, {spec("z")}};
  std::vector<SegmentInfo> segments_;
};

TEST_F(Flow, ATrustedTailMayTakeInputs) {
  EXPECT_TRUE(check_flow(served_, segments_));
  served_.outputs.push_back(spec("x"));
  EXPECT_TRUE(check_flow(served_, segments_)) << "an input that is an output";
}

TEST_F(Flow, NothingUntrustedSeesAnInput) {
  segments_[1].inputs.push_back(spec("x"));
  expect_error(check_flow(served_, segments_), Kind::kRefused,
               "body: it would see the model's input 'x'");
}

TEST_F(Flow, EverythingIsMadeOnceBeforeItIsNeeded) {
  auto segments = segments_;
  segments[1].inputs[0].name = "g";
  expect_error(check_flow(served_, segments), Kind::kInvalid, "nothing makes its input 'g'");
  segments = segments_;
  segments[1].outputs[0].name = "h";
  expect_error(check_flow(served_, segments), Kind::kInvalid, "its output 'h' is made before it");
  segments = segments_;
  segments[2].outputs[0].name = "x";
  expect_error(check_flow(served_, segments), Kind::kInvalid, "its output 'x' is made before it");
  segments = segments_;
  segments[1].inputs[0] = spec("h", DType::kF16);
  expect_error(check_flow(served_, segments), Kind::kInvalid,
               "body: its input 'h' is f16[?,2], and f32[?,2] is made");
  served_.outputs[0].name = "w";
  expect_error(check_flow(served_, segments_), Kind::kInvalid, "outputs: nothing makes 'w'");
}

}  // namespace
}  // namespace cloister
