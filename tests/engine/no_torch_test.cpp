#include <gmock/gmock.h>

#include "engine/torch.h"

namespace cloister {
namespace {

TEST(NoTorch, SaysHowToGetIt) {
  const auto engine = make_torch();
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().kind, Kind::kUnsupported);
  EXPECT_THAT(engine.error().message, ::testing::HasSubstr("CLOISTER_TORCH=ON"));
  EXPECT_EQ(torch_version(), "");
}

}  // namespace
}  // namespace cloister
