#include "app/demo/steps.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <boost/process/args.hpp>
#include <boost/process/start_dir.hpp>
#include <boost/process/system.hpp>
#include <cstdio>

#include "cli/background.h"

namespace cloister::demo {
namespace {

bool on_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace

void headline(const std::string& text) {
  fmt::print("\n{}==> {}{}\n", on_terminal() ? "\033[1m" : "", text,
             on_terminal() ? "\033[0m" : "");
}

void show(const std::string& program, const std::vector<std::string>& arguments,
          const std::string& end) {
  fmt::print("$ {} {}{}", program, fmt::join(arguments, " "), end);
  std::fflush(stdout);
}

Result<int> start(const Options& options, std::vector<std::string> arguments) {
  namespace bp = boost::process;
  const bool takes_threads = arguments[0] == "profile" || arguments[0] == "audit";
  if (options.threads > 0 && takes_threads) {
    arguments.insert(arguments.end(), {"--threads", std::to_string(options.threads)});
  }
  show("cloister", arguments, "\n\n");
  const std::string self = program_beside("cloister").string();
  std::error_code code;
  const int ended = bp::system(self, bp::args(arguments), bp::start_dir(options.folder), code);
  if (code) return fail(Kind::kIo, "can't start '{}': {}", self, code.message());
  return ended;
}

Result<> run(const Options& options, const std::vector<std::string>& arguments) {
  TRY(code, start(options, arguments));
  if (code == 0) return {};
  return fail(Kind::kIo, "'cloister {}' ended with exit code {}", arguments[0], code);
}

}  // namespace cloister::demo
