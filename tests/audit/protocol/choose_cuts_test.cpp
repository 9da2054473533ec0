#include "audit/protocol/choose_cuts.h"

#include <gmock/gmock.h>

#include "engine/probe.h"
#include "graph/zoo/zoo.h"

namespace cloister::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Cuts : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    graph_ = std::make_unique<Graph>(*build_graph(*zoo_model("mobilenet_v2", 1)));
    ASSERT_TRUE(infer_types(*graph_, onnxruntime_probe()));
    list_ = std::make_unique<CutList>(list_cuts(*graph_));
  }
  static void TearDownTestSuite() {
    graph_.reset();
    list_.reset();
  }
  static std::unique_ptr<Graph> graph_;
  static std::unique_ptr<CutList> list_;
};
std::unique_ptr<Graph> Cuts::graph_;
std::unique_ptr<CutList> Cuts::list_;

TEST_F(Cuts, AutoIsAHandfulSpreadOverTheWork) {
  const auto chosen = choose_cuts(*graph_, *list_, {"auto"});
  ASSERT_TRUE(chosen);
  ASSERT_EQ(chosen->size(), 5u);
  EXPECT_EQ(chosen->front(), *shallowest_cut(*list_));
  double last = -1;
  for (const size_t i : *chosen) {
    EXPECT_TRUE(list_->cuts[i].is_single());
    EXPECT_TRUE(list_->cuts[i].exposed_by_construction.empty());
    EXPECT_GT(list_->macs_share(list_->cuts[i]), last);
    last = list_->macs_share(list_->cuts[i]);
  }
  EXPECT_GT(last, 0.7);
}

TEST_F(Cuts, AllAndSomeByName) {
  EXPECT_EQ(choose_cuts(*graph_, *list_, {"all"})->size(), list_->cuts.size());
  const std::string id = list_->cuts[7].id;
  EXPECT_THAT(*choose_cuts(*graph_, *list_, {id, id}), ElementsAre(7u));
  const auto none = choose_cuts(*graph_, *list_, {"auto", id});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no cut 'auto'"));
}

TEST_F(Cuts, RefinesAroundTheThreshold) {
  const std::vector<size_t> attacked = *choose_cuts(*graph_, *list_, {"auto"});
  const auto next = refine_cuts(*list_, attacked, {0.9, 0.8, 0.5, 0.2, 0.1}, 0.3);
  ASSERT_TRUE(next);
  EXPECT_GT(*next, attacked[2]);
  EXPECT_LT(*next, attacked[3]);
  EXPECT_FALSE(refine_cuts(*list_, attacked, {0.2, 0.2, 0.2, 0.2, 0.1}, 0.3));
  // All leak: deeper than the deepest.
  const auto deeper = refine_cuts(*list_, attacked, {0.9, 0.8, 0.7, 0.6, 0.5}, 0.3);
  ASSERT_TRUE(deeper);
  EXPECT_GT(*deeper, attacked[4]);
}

}  // namespace
}  // namespace cloister::audit
