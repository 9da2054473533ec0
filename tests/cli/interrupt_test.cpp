#include "cli/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

namespace cloister {
namespace {

TEST(Interrupt, ASignalIsRememberedAndASecondOneKills) {
  watch_interrupts();
  EXPECT_FALSE(interrupted());
  std::raise(SIGINT);
  EXPECT_TRUE(interrupted());
  EXPECT_EQ(interrupt_exit_code(), 130);
  EXPECT_EXIT(std::raise(SIGINT), testing::KilledBySignal(SIGINT), "");
  std::raise(SIGTERM);
  EXPECT_EQ(interrupt_exit_code(), 143);
}

}  // namespace
}  // namespace cloister
