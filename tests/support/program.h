// Programs as users run them: in a temporary folder, without a shell.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "tests/support/data.h"
#include "tests/support/temp_dir.h"

namespace cloister::test {

using Arguments = std::vector<std::string>;

struct Finished {
  int code = -1;  // -1: killed by a signal or by the time limit, and err says so
  std::string out;
  std::string err;
};

struct ProgramOptions {
  fs::path folder = ".";
  std::string in = "/dev/null";
  std::string out = ".out";  // files in the folder; an absolute path is not read back
  std::string err = ".err";
  std::optional<rlim_t> max_file_bytes;
  std::chrono::seconds limit{300};  // for a hang; nothing here takes this long
};

// In the child, between fork and exec: system calls only.
[[noreturn]] inline void exec_child(char* const* arguments, const ProgramOptions& options) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing outlives a test that crashes
  if (::chdir(options.folder.c_str()) != 0) ::_exit(127);
  const int out = ::open(options.out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err = ::open(options.err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int in = ::open(options.in.c_str(), O_RDONLY);
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) ::_exit(127);
  if (options.max_file_bytes) {
    const rlimit limit{*options.max_file_bytes, *options.max_file_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    // Writes past it then fail, as on a full disk. What is ignored stays so in the program.
    ::signal(SIGXFSZ, SIG_IGN);
  }
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

// Waits for the child and returns its status; kills its group when the time is up.
inline std::optional<int> wait_child(pid_t child, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return status;
}

inline pid_t start_program(const fs::path& program, const Arguments& arguments,
                           const ProgramOptions& options) {
  const std::string path = program.string();
  std::vector<char*> pointers = {const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) exec_child(pointers.data(), options);
  return child;
}

inline Finished run_program(const fs::path& program, const Arguments& arguments,
                            const ProgramOptions& options = {}) {
  const pid_t child = start_program(program, arguments, options);
  const std::optional<int> status = wait_child(child, options.limit);
  const auto captured = [&](const std::string& name) {
    return fs::path(name).is_absolute() ? "" : read_file(options.folder / name).value_or("");
  };
  Finished done{.out = captured(options.out), .err = captured(options.err)};
  if (status && WIFEXITED(*status)) {
    done.code = WEXITSTATUS(*status);
  } else {
    done.err += status ? "(killed by signal " + std::to_string(WTERMSIG(*status)) + ")"
                       : std::string("(stopped: it took too long)");
  }
  return done;
}

// A test of one program, with a folder of its own in which the program runs.
class ProgramTest : public testing::Test {
 protected:
  explicit ProgramTest(fs::path program) : program_(std::move(program)) {
    options_.folder = dir_.path();
  }

  Finished run(const Arguments& arguments) { return run_program(program_, arguments, options_); }

  // Runs it and returns its stdout; it must succeed without a word on stderr.
  std::string done(const Arguments& arguments) {
    const Finished finished = run(arguments);
    EXPECT_EQ(finished.code, 0) << testing::PrintToString(arguments) << "\n" << finished.err;
    EXPECT_EQ(finished.err, "") << testing::PrintToString(arguments);
    return finished.out;
  }

  // Runs it; it must fail with this code, nothing on stdout and one line on stderr: `who`, then
  // something that says `part`.
  void fails(const Arguments& arguments, int code, const std::string& who,
             const std::string& part) {
    const Finished finished = run(arguments);
    const std::string shown = testing::PrintToString(arguments) + "\n" + finished.err;
    EXPECT_EQ(finished.code, code) << shown;
    EXPECT_EQ(finished.out, "") << shown;
    EXPECT_THAT(finished.err, testing::StartsWith(who + ": ")) << shown;
    EXPECT_THAT(finished.err, testing::HasSubstr(part)) << shown;
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << shown;
    EXPECT_THAT(finished.err, testing::EndsWith("\n")) << shown;
  }

  // Names of what is in the folder, beside what the program printed.
  std::vector<std::string> files(const std::string& below = "") const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir_ / below)) {
      const std::string name = entry.path().filename();
      if (name != options_.out && name != options_.err) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
  }

  TempDir dir_;
  ProgramOptions options_;
  fs::path program_;
};

}  // namespace cloister::test
