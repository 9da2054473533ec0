#include "cli/guard_process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>

namespace cloister {
namespace {

// In a process of its own: what was lowered can't be raised again.
TEST(NeedDescriptors, RaisesTheLimitAndCountsItsOwn) {
  const auto in_child = [] {
    rlimit limit{100, 200};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const bool fits = need_descriptors(136, 64).has_value();
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const Result<> over = need_descriptors(137, 64);
    const bool told = !over && over.error().kind == Kind::kUsage &&
                      over.error().message.find("137 needs 201") != std::string::npos;
    std::exit(fits && limit.rlim_cur == 200 && told ? 0 : 1);
  };
  EXPECT_EXIT(in_child(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace cloister
