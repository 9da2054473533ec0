// Real models and data beside the checkout, ../shared/data: tests that need them are skipped,
// saying so, where they are absent.
#pragma once

#include <gtest/gtest.h>

#include "base/file.h"

#define CLOISTER_NEEDS_SHARED_DATA(name)                                            \
  if (!fs::exists(cloister::test::shared_data(name))) {                             \
    GTEST_SKIP() << "no " << cloister::test::shared_data(name).string() << " here"; \
  }

namespace cloister::test {

inline fs::path shared_data(const std::string& name) {
  return fs::path(CLOISTER_SHARED_DATA) / name;
}

}  // namespace cloister::test
