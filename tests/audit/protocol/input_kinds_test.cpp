// An audit can read, score and show every kind of input.
#include "audit/protocol/input_kinds.h"

#include <gmock/gmock.h>

namespace cloister::audit {
namespace {

class EveryProtocol : public ::testing::TestWithParam<InputKindInfo> {};

TEST_P(EveryProtocol, IsWhole) {
  const InputProtocol& protocol = protocol_of(GetParam().kind);
  EXPECT_EQ(protocol.kind, GetParam().kind);
  EXPECT_NE(protocol.load, nullptr);
  EXPECT_NE(protocol.scores, nullptr);
  EXPECT_NE(protocol.score_all, nullptr);
  EXPECT_EQ(protocol.make_gallery != nullptr, GetParam().pictured);
  EXPECT_EQ(without_floor(protocol.policy_metric), protocol.metric);
  EXPECT_EQ(without_floor(protocol.metric), protocol.metric);
}

INSTANTIATE_TEST_SUITE_P(All, EveryProtocol, ::testing::ValuesIn(kInputKinds),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace cloister::audit
