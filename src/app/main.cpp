// cloister: one program, a subcommand for each thing that it does. Commands that need heavy
// libraries are programs of their own beside this one (cloister-NAME), started git-style.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/commands.h"
#include "base/nearest.h"
#include "cli/version.h"

namespace cloister {
namespace {

constexpr AddCommand kCommands[] = {
    add_inspect_command, add_split_command,  add_run_command,          add_plan_command,
    add_report_command,  add_keygen_command, add_seal_command,         add_unseal_command,
    add_bundle_command,  add_verify_command, add_endorsements_command, add_infer_command,
    add_proxy_command,   add_zoo_command,    add_demo_command};

struct External {
  const char* name;
  const char* description;
};

constexpr External kExternals[] = {
    {"audit", "Attack the cuts, and measure how well inputs can be rebuilt"},
    {"pictures", "Draw small labelled pictures to experiment with"},
    {"preprocess", "Turn pictures into input arrays, and record how"},
    {"profile", "Measure what each cut costs on this machine"},
    {"train", "Train a model on a table, pictures or arrays"},
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

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

int run(int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  CLI::App app(
      "Cuts a neural network in two: the part that sees the inputs runs in a trusted\n"
      "environment, the rest on an accelerator that must not see them.");
  app.name("cloister");
  set_help_layout(app);
  app.set_version_flag("--version", std::string("cloister ") + kVersion, "print the version");
  app.require_subcommand(1);
  Outcome outcome = 0;
  for (const AddCommand add : kCommands) add(app, outcome);
  for (const External& external : kExternals) {
    app.add_subcommand(external.name, external.description);
    if (word != external.name) continue;
    return end_program("cloister " + word, start_external(word, argc, argv));
  }
  // Only now: commands would inherit it.
  app.footer(
      "'cloister COMMAND --help' has the details. Data goes to stdout, messages to stderr.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (by a policy or check).");
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->group("Commands");
  }
  const std::vector<std::string> names = command_names(app);
  const bool is_command = std::ranges::find(names, word) != names.end();
  const std::string who = is_command ? "cloister " + word : "cloister";
  if (!is_command && !word.empty() && word[0] != '-') {
    return end_program(who,
                       fail(Kind::kUsage, "no command '{}'; nearest: {}; see 'cloister --help'",
                            printable(word), nearest_texts(word, names, 1)[0]));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 would ask for a command first.
    if (!is_command && error.get_name() == "RequiredError" && !word.empty()) {
      return end_program(
          who, fail(Kind::kUsage, "unexpected argument: {}; see 'cloister --help'", word));
    }
    return end_program(app, who, error);
  }
  return end_program(who, std::move(outcome));
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("cloister", argc, argv, cloister::run);
}
