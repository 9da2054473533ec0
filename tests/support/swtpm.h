// A real TPM in software, for tests: a swtpm process with a state of its own.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/support/tools.h"

#define SKIP_WITHOUT_SWTPM() SKIP_WITHOUT("swtpm")

namespace cloister::test {

// Runs from construction to destruction, on sockets in a temporary folder. It serves one connection
// at a time: who asks while another is open waits.
class Swtpm {
 public:
  Swtpm() { start(); }
  ~Swtpm() { stop(); }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;

  // For tpm2-tss; stays the same when it is started again.
  std::string tcti() const { return "swtpm:path=" + socket().string(); }
  const TempDir& folder() const { return folder_; }

  // Started again it is the same TPM after a power cycle: its seeds are the same, its PCRs are not.
  void start() {
    ProgramOptions options;
    options.folder = folder_.path();
    options.out = options.err = "swtpm.log";
    child_ = start_program(
        tool_path("swtpm"),
        {"socket", "--tpm2", "--tpmstate", "dir=" + folder_.path().string(), "--server",
         "type=unixio,path=" + socket().string(), "--ctrl",
         "type=unixio,path=" + control().string(), "--flags", "not-need-init,startup-clear"},
        options);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!answers(control()) || !answers(socket())) {
      if (std::chrono::steady_clock::now() > end || ::waitpid(child_, nullptr, WNOHANG) != 0) {
        throw std::runtime_error("swtpm does not start: " +
                                 read_file(folder_ / "swtpm.log").value_or(""));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  void stop() {
    if (child_ < 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
    fs::remove(socket());
    fs::remove(control());
  }

  // Runs one of tpm2-tools in folder(); it must succeed.
  std::string tool(const std::string& name, Arguments arguments) const {
    arguments.insert(arguments.end(), {"-T", tcti()});
    const Finished finished = run_tool(name, arguments, folder_);
    EXPECT_EQ(finished.code, 0) << name << testing::PrintToString(arguments) << "\n"
                                << finished.err;
    return finished.out;
  }

 private:
  fs::path socket() const { return folder_ / "tpm"; }
  fs::path control() const { return folder_ / "tpm.ctrl"; }

  static bool answers(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.string();
    if (name.size() >= sizeof(address.sun_path)) throw std::runtime_error(name + " is too long");
    name.copy(address.sun_path, name.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    return connected;
  }

  TempDir folder_;
  pid_t child_ = -1;
};

}  // namespace cloister::test
