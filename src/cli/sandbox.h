// What Linux keeps a server from doing, should somebody take it over: Landlock for files, seccomp
// for system calls. docs/threat-model.md, landlock(7), seccomp(2).
#pragma once

#include <vector>

#include "base/file.h"

namespace cloister {

enum class SandboxMode { kAuto, kRequired, kOff };  // auto: as far as the kernel has it

inline constexpr const char* kSandboxHelp =
    "keep this process from files and system calls that it does not need: auto (as far as the "
    "kernel can), require (otherwise do not start), off";

// The words of that flag. kUsage.
Result<SandboxMode> parse_sandbox_mode(std::string_view text);

// What a server needs beyond what all of them do. Files, or folders with all that is below them;
// what is not there is left out. A file that is replaced is another one to Landlock: name its
// folder.
struct SandboxNeeds {
  std::vector<fs::path> reads;
  std::vector<fs::path> writes;  // also made and removed
  // Memory that another process is given: such memory could be written here and mapped a second
  // time to be executed.
  bool shared_memory = false;
};

// Holds for the calling thread and those that it makes from then on: call it before there are
// others, and before anything from outside is parsed. Beside `needs`, files of the system may be
// read: libraries, what name resolution and authorities need, what processors there are. No
// programs, processes, kernel modules, raw sockets; no memory that is both written and executed.
// Gives back what is active, "files" and "calls", and logs it. kUnavailable with kRequired where
// the kernel lacks one of them.
Result<std::vector<std::string>> enter_sandbox(SandboxMode mode, const SandboxNeeds& needs);

}  // namespace cloister
