#pragma once

#include "base/file.h"

namespace cloister::test {

// A file below tests/data.
inline fs::path data_path(const std::string& name) {
  return fs::path(CLOISTER_TEST_DATA) / name;
}

}  // namespace cloister::test
