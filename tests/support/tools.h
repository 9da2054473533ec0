// Programs of others that tests are held against.
#pragma once

#include "tests/support/program.h"

namespace cloister::test {

inline std::string tool_path(const std::string& name) {
  return "/usr/bin/" + name;
}

// Runs it in `folder`, with nothing to read.
inline Finished run_tool(const std::string& name, const Arguments& arguments,
                         const TempDir& folder) {
  ProgramOptions options;
  options.folder = folder.path();
  return run_program(tool_path(name), arguments, options);
}

}  // namespace cloister::test

// Leaves the test where the program is not installed.
#define SKIP_WITHOUT(name)                                       \
  if (!std::filesystem::exists(cloister::test::tool_path(name))) \
  GTEST_SKIP() << "no " << cloister::test::tool_path(name) << ": tools/setup --dev installs it"
