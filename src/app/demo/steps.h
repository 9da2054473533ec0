// The demonstration's steps: commands that the user could have typed, shown as such.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace cloister::demo {

struct Options {
  std::string folder = "demo";
  int threads = 0;  // 0: each command's own choice
};

void headline(const std::string& text);

// Shows `$ PROGRAM ARGUMENTS`.
void show(const std::string& program, const std::vector<std::string>& arguments,
          const std::string& end = "\n");

// Shows and starts `cloister ARGUMENTS`, in the demonstration's folder; gives its exit code.
Result<int> start(const Options& options, std::vector<std::string> arguments);

// The same for a command that has to succeed.
Result<> run(const Options& options, const std::vector<std::string>& arguments);

}  // namespace cloister::demo
