#include "cli/sandbox.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/landlock.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <iostream>
#include <thread>

#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::TempDir;

// What each of a process's attempts came to: "" or the error.
std::string outcome(bool succeeded) {
  return succeeded ? "" : std::strerror(errno);
}

std::string open_outcome(const fs::path& path, int flags) {
  return outcome(::open(path.c_str(), flags | O_CLOEXEC, 0600) >= 0);
}

class Sandbox : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers need what a sandbox forbids";
#endif
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1) {
      GTEST_SKIP() << "this kernel has no Landlock";
    }
    fs::create_directories(dir_ / "read");
    fs::create_directories(dir_ / "write");
    fs::create_directories(dir_ / "other");
    for (const char* name : {"read/a", "write/a", "other/a"}) {
      ASSERT_TRUE(write_file(dir_ / name, "a"));
    }
  }

  // In a process of its own, since there is no way out of a sandbox. `attempt` is made inside.
  void expect_inside(const std::function<std::string()>& attempt, const std::string& want,
                     bool shared_memory = false) {
    const auto child = [&] {
      const auto active = enter_sandbox(
          SandboxMode::kRequired,
          {.reads = {dir_ / "read"}, .writes = {dir_ / "write"}, .shared_memory = shared_memory});
      if (!active || active->size() != 2) {
        std::cerr << "no sandbox: " << (active ? "" : active.error().message) << '\n';
        ::_exit(2);
      }
      const std::string got = attempt();
      std::cerr << "got '" << got << "'\n";
      ::_exit(got == want ? 0 : 1);
    };
    EXPECT_EXIT(child(), testing::ExitedWithCode(0), "") << want;
  }

  TempDir dir_;
};

constexpr const char* kNo = "Operation not permitted";
constexpr const char* kDenied = "Permission denied";

TEST_F(Sandbox, LeavesTheFilesThatAreNamed) {
  expect_inside([&] { return open_outcome(dir_ / "read/a", O_RDONLY); }, "");
  expect_inside([&] { return open_outcome(dir_ / "read/a", O_RDWR); }, kDenied);
  expect_inside([&] { return open_outcome(dir_ / "read/new", O_WRONLY | O_CREAT); }, kDenied);
  expect_inside([&] { return open_outcome(dir_ / "write/a", O_RDWR | O_TRUNC); }, "");
  expect_inside([&] { return open_outcome(dir_ / "write/new", O_WRONLY | O_CREAT); }, "");
  expect_inside(
      [&] {
        return outcome(::rename((dir_ / "write/a").c_str(), (dir_ / "write/b").c_str()) == 0);
      },
      "");
  expect_inside([&] { return outcome(::unlink((dir_ / "write/b").c_str()) == 0); }, "");
  expect_inside([&] { return open_outcome(dir_ / "other/a", O_RDONLY); }, kDenied);
  expect_inside([&] { return open_outcome("/proc/1/environ", O_RDONLY); }, kDenied);
  expect_inside([&] { return open_outcome("/etc/hosts", O_RDONLY); }, "");
  expect_inside([&] { return open_outcome("/etc/hosts", O_WRONLY); }, kDenied);
}

TEST_F(Sandbox, LeavesNoProgramsAndProcesses) {
  expect_inside([] { return outcome(::execl("/bin/true", "true", nullptr) == 0); }, kNo);
  expect_inside([] { return outcome(::fork() >= 0); }, kNo);
  expect_inside([] { return outcome(::kill(::getppid(), 0) == 0); }, kNo);
  expect_inside([] { return outcome(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0); }, kNo);
  expect_inside([] { return outcome(::syscall(SYS_unshare, 0) == 0); }, kNo);
  expect_inside([] { return outcome(::syscall(SYS_io_uring_setup, 1, nullptr) == 0); }, kNo);
}

TEST_F(Sandbox, LeavesTheNetworkAndThreads) {
  expect_inside([] { return outcome(::socket(AF_INET, SOCK_STREAM, 0) >= 0); }, "");
  expect_inside([] { return outcome(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0); }, "");
  expect_inside([] { return outcome(::socket(AF_INET, SOCK_RAW, 1) >= 0); }, kNo);
  expect_inside([] { return outcome(::socket(AF_PACKET, SOCK_RAW, 0) >= 0); }, kNo);
  expect_inside([] { return outcome(::socket(AF_NETLINK, SOCK_RAW, 0) >= 0); }, kNo);
  expect_inside(
      [] {
        std::string from_thread = "no thread";
        std::thread([&] { from_thread = outcome(::fork() >= 0); }).join();
        return from_thread;
      },
      kNo);
}

TEST_F(Sandbox, LeavesNoMemoryThatIsWrittenAndRun) {
  const auto map = [](int protection) {
    return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  expect_inside([&] { return outcome(map(PROT_READ | PROT_WRITE) != MAP_FAILED); }, "");
  expect_inside([&] { return outcome(map(PROT_READ | PROT_EXEC) != MAP_FAILED); }, "");
  expect_inside([&] { return outcome(map(PROT_READ | PROT_WRITE | PROT_EXEC) != MAP_FAILED); },
                kNo);
  expect_inside(
      [&] { return outcome(::mprotect(map(PROT_READ | PROT_WRITE), 4096, PROT_EXEC) == 0); }, kNo);
}

// Memory with a descriptor could be mapped twice, to be written and to be run.
TEST_F(Sandbox, LeavesSharedMemoryToThoseThatNeedIt) {
  const auto make = [] { return outcome(::memfd_create("m", MFD_CLOEXEC) >= 0); };
  const auto connect = [] { return outcome(::socket(AF_UNIX, SOCK_SEQPACKET, 0) >= 0); };
  expect_inside(make, kNo);
  expect_inside(connect, kNo);
  expect_inside(make, "", true);
  expect_inside(connect, "", true);
}

TEST(SandboxMode, Words) {
  EXPECT_EQ(test::value_of(parse_sandbox_mode("require")), SandboxMode::kRequired);
  test::expect_error(parse_sandbox_mode("on"), Kind::kUsage, "--sandbox");
}

}  // namespace
}  // namespace cloister
