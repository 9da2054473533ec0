#include "cli/machine.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "base/error.h"

namespace cloister {

std::string machine_text() {
  std::string processor = "unknown processor";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) processor = line.substr(colon + 2);
    break;
  }
  struct sysinfo memory {};
  ::sysinfo(&memory);
  struct utsname kernel {};
  ::uname(&kernel);
  const double gib = static_cast<double>(memory.totalram) * memory.mem_unit / (1 << 30);
  return printable(fmt::format("{}, {} threads, {:.0f} GiB, {} {}", processor,
                               std::thread::hardware_concurrency(), gib, kernel.sysname,
                               kernel.release));
}

}  // namespace cloister
