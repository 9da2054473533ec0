// cloister: one program, a subcommand for each thing that it does. Commands that need heavy
// libraries are programs of their own beside this one (cloister-NAME), started git-style.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "app/commands.h"
#include "app/version.h"

namespace cloister {
namespace {

constexpr AddCommand kCommands[] = {add_inspect_command, add_split_command, add_run_command,
                                    add_zoo_command, add_demo_command};

struct External {
  const char* name;
  const char* description;
};

constexpr External kExternals[] = {
    {"preprocess", "Turn pictures into input tensors; write preprocess.json"},
};

// Replaces this process by cloister-NAME beside it.
Outcome start_external(const std::string& name, int argc, char** argv) {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  const auto program = self.parent_path() / ("cloister-" + name);
  std::vector<char*> arguments(argv + 1, argv + argc);
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  return fail(Kind::kNotFound, "can't start '{}': {}", program.string(), std::strerror(errno));
}

void add_externals(CLI::App& app) {
  for (const External& external : kExternals) {
    app.add_subcommand(external.name, external.description);
  }
}

int run(int argc, char** argv) {
  for (const External& external : kExternals) {
    if (argc > 1 && std::string(argv[1]) == external.name) {
      const Outcome outcome = start_external(external.name, argc, argv);
      fmt::print(stderr, "cloister: {}\n", outcome.error().message);
      return exit_code(outcome.error().kind);
    }
  }
  CLI::App app(
      "Cuts a neural network in two, so that the part that sees the inputs runs in a "
      "trusted environment\nand the rest on an accelerator that must not see them.");
  app.name("cloister");
  app.set_version_flag("--version", std::string("cloister ") + kVersion);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (not safe or not trusted).\n"
      "'cloister COMMAND --help' tells more.");
  Outcome outcome = 0;
  for (const AddCommand add : kCommands) add(app, outcome);
  add_externals(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (outcome) return *outcome;
  fmt::print(stderr, "cloister {}: {}\n", app.get_subcommands().front()->get_name(),
             outcome.error().message);
  return exit_code(outcome.error().kind);
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  try {
    return cloister::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cloister: internal error: {}\n", error.what());
    return 1;
  }
}
