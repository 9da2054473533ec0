#include "profile/profile.h"

#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "graph/zoo/zoo.h"
#include "tests/support/echo_link.h"
#include "tests/support/graphs.h"
#include "tests/support/temp_dir.h"

namespace cloister::profile {
namespace {

using test::value_of;

// A model that an engine may refuse.
class Refuses final : public Engine {
 public:
  Result<std::unique_ptr<Program>> load(const Segment&) override {
    return fail(Kind::kUnsupported, "no operator 'Relu'");
  }
};

class Profile : public testing::Test {
 protected:
  Profile()
      : graph_(value_of(build_graph(value_of(zoo_model("mlp", 1))))),
        engine_(value_of(make_onnxruntime())) {
    EXPECT_TRUE(infer_types(graph_, onnxruntime_probe()));
    cuts_ = list_cuts(graph_);
    options_.settings.rounds = 3;
    options_.link = &link_;
    options_.folder = folder_.path();
    frame_.tool = "test";
    frame_.machine = "test";
    frame_.model_file = "mlp.onnx";
    frame_.model_sha256 = std::string(64, '0');
  }

  // What is held is what is loaded, twice over, and 1 MB for the engine.
  static Result<Memory> memory_of(const Model& model) {
    uint64_t bytes = 1'000'000;
    for (const auto& [_, weight] : model.weights) bytes += weight.data().size();
    return Memory{2 * bytes, bytes};
  }

  Result<ProfileRecord> profile(std::vector<Runner> devices) {
    const Runner trusted{"onnxruntime-cpu", "ONNX Runtime", false, engine_.get()};
    return profile_model(graph_, cuts_, {trusted, std::move(devices)}, options_, memory_of, frame_,
                         [&](double share, const std::string&) -> Result<> {
                           EXPECT_GE(share, share_);
                           EXPECT_LE(share, 1);
                           share_ = share;
                           if (share > stop_at_) return fail(Kind::kIo, "stopped");
                           return {};
                         });
  }

  test::TempDir folder_;
  Graph graph_;
  std::unique_ptr<Engine> engine_;
  CutList cuts_;
  test::EchoLink link_;
  ProfileOptions options_;
  ProfileRecord frame_;
  double share_ = 0;
  double stop_at_ = 2;
};

TEST_F(Profile, OfEveryCut) {
  options_.anchors = 3;
  options_.checks = 1;
  options_.settings.batch = 4;
  options_.also = {cuts_.cuts[2].id};
  const auto record = profile(
      {{"onnxruntime-cpu", "ONNX Runtime"}, {"again", "ONNX Runtime", true, engine_.get()}});
  ASSERT_TRUE(record) << record.error().message;
  const auto again = parse_profile(profile_json(*record));
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(record->cuts.size(), cuts_.cuts.size());
  EXPECT_EQ(record->checks.size(), 1U);
  EXPECT_EQ(record->total.macs, cuts_.total_macs);
  EXPECT_EQ(record->output_bytes, 4U * 10 * 4);
  EXPECT_GT(record->trusted.whole.ms, 0);
  EXPECT_EQ(record->devices[0].whole.ms, record->trusted.whole.ms);
  EXPECT_TRUE(record->devices[1].overlaps);
  size_t measured = 0;
  for (size_t i = 0; i < record->cuts.size(); ++i) {
    const CutCost& cut = record->cuts[i];
    SCOPED_TRACE(cut.id);
    EXPECT_EQ(cut.id, cuts_.cuts[i].id);
    EXPECT_EQ(cut.bytes, 4 * *cuts_.cuts[i].bytes);
    EXPECT_EQ(cut.bodies[0].ms, cut.tail.ms);
    EXPECT_LE(cut.head.low, cut.head.ms);
    EXPECT_GE(cut.head.high, cut.head.ms);
    EXPECT_GE(cut.head_memory.peak, 2'000'000U);
    EXPECT_LE(cut.head_memory.resident, cut.head_memory.peak);
    measured += cut.measured ? 1 : 0;
    if (i > 0) {
      EXPECT_GE(cut.head_memory.peak, record->cuts[i - 1].head_memory.peak);
      EXPECT_LE(cut.tail_memory.peak, record->cuts[i - 1].tail_memory.peak);
    }
  }
  EXPECT_TRUE(record->cuts[2].measured);
  EXPECT_GE(measured, 4U);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Profile, LeavesOutADeviceThatRefusesTheModel) {
  Refuses refuses;
  const auto record = profile({{"onnxruntime-cpu", "ONNX Runtime"}, {"bad", "x", true, &refuses}});
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->devices.size(), 1U);
  EXPECT_THAT(record->notes, testing::ElementsAre("bad is left out: no operator 'Relu'"));
}

TEST_F(Profile, StopsWhenAsked) {
  stop_at_ = 0.5;
  test::expect_error(profile({{"onnxruntime-cpu", "ONNX Runtime"}}), Kind::kIo, "stopped");
}

TEST_F(Profile, Errors) {
  cuts_.cuts.clear();
  test::expect_error(profile({{"onnxruntime-cpu", "ONNX Runtime"}}), Kind::kInvalid, "no cut");
}

}  // namespace
}  // namespace cloister::profile
