#include "cli/program.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>

namespace cloister {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kColumn = 26;
constexpr size_t kMaxMessage = 4000;

// `name` and beside it `text`, wrapped.
std::string entry_text(const std::string& name, const std::string& text) {
  std::string out;
  std::string line = "  " + name;
  if (line.size() + 2 > kColumn) {
    out = line + "\n";
    line.clear();
  }
  line.resize(kColumn, ' ');
  std::istringstream words(text);
  bool is_first = true;
  for (std::string word; words >> word; is_first = false) {
    if (!is_first && line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line = std::string(kColumn, ' ') + word;
    } else {
      line += (is_first ? "" : " ") + word;
    }
  }
  return out + line + "\n";
}

// "HOST:PORT" of "HOST:PORT:some validator".
std::string value_name(const CLI::Option& option) {
  if (option.get_type_size() == 0) return "";
  const std::string type = option.get_type_name();
  size_t end = type.find(':');
  for (const std::string_view second : {":PORT", ":SHA256"}) {
    if (end != type.npos && type.compare(end, second.size(), second) == 0) end += second.size();
  }
  return type.substr(0, end);
}

// What CLI11 says, in our words.
std::string usage_message(const CLI::ParseError& error) {
  std::string text = error.what();
  const auto reword = [&](std::string_view prefix, std::string_view better) {
    if (text.starts_with(prefix)) text = std::string(better) + text.substr(prefix.size());
  };
  reword("The following argument was not expected: ", "unexpected argument: ");
  reword("The following arguments were not expected: ", "unexpected arguments: ");
  reword("Could not convert: ", "not a number that fits: ");
  reword("A subcommand is required", "no command given");
  return text;
}

class HelpLayout final : public CLI::Formatter {
  // CLI11 puts an empty line behind each group but the last.
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    std::string out = group + ":\n";
    for (const CLI::Option* option : options) out += make_option(option, is_positional);
    return group == "Options" ? "\n" + out : out;
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string out = "\nUsage: " + name;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) {
        const std::string many = option->get_expected_max() > 1 ? "..." : "";
        const std::string shown = option->get_name(true) + many;
        out += option->get_required() ? " " + shown : " [" + shown + "]";
      } else if (option->get_required()) {
        const std::string flag = option->get_snames().empty() ? "--" + option->get_lnames()[0]
                                                              : "-" + option->get_snames()[0];
        out += " " + flag + " " + value_name(*option);
      }
    }
    const bool has_commands = !app->get_subcommands({}).empty();
    return out + (has_commands ? " COMMAND [OPTIONS]\n" : " [OPTIONS]\n");
  }

  std::string make_positionals(const CLI::App* app) const override {
    std::string out;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) out += make_option(option, true);
    }
    return out.empty() ? out : "\n" + out;
  }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    if (is_positional) return entry_text(option->get_name(true), option->get_description());
    std::string name;
    for (const std::string& part : option->get_snames()) name += "-" + part + ", ";
    // Aligned, so that long names are found by eye.
    if (name.empty()) name = "    ";
    for (const std::string& part : option->get_lnames()) name += "--" + part;
    if (const std::string value = value_name(*option); !value.empty()) name += " " + value;
    std::string text = option->get_description();
    if (option->get_required()) text += " (required)";
    if (const std::string usual = option->get_default_str(); !usual.empty()) {
      text += " (default: " + usual + ")";
    }
    return entry_text(name, text);
  }

  std::string make_subcommand(const CLI::App* command) const override {
    return entry_text(command->get_name(), command->get_description());
  }
};

void print_error(const std::string& who, std::string message) {
  std::ranges::replace(message, '\n', ' ');
  fmt::print(stderr, "{}: {}\n", who, printable(message, kMaxMessage));
}

}  // namespace

void set_help_layout(CLI::App& app) {
  const auto layout = std::make_shared<HelpLayout>();
  app.formatter(layout);
  app.set_help_flag("-h,--help", "print this and exit");
}

int end_program(const CLI::App& app, const std::string& who, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    app.exit(error);
    return end_program(who, 0);
  }
  return end_program(who, fail(Kind::kUsage, "{}; see '{} --help'", usage_message(error), who));
}

int end_program(const std::string& who, Outcome outcome) {
  // What a full disk did not take shows only now.
  errno = 0;
  const bool is_written = std::cout.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (outcome && !is_written) {
    outcome = fail(Kind::kIo, "can't write to stdout: {}", std::strerror(errno != 0 ? errno : EIO));
  }
  if (outcome) return *outcome;
  print_error(who, outcome.error().message);
  return exit_code(outcome.error().kind);
}

int parse_and_run(CLI::App& app, const std::string& who, int argc, char** argv,
                  const std::function<Outcome()>& run) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return end_program(app, who, error);
  }
  return end_program(who, run());
}

int run_guarded(const std::string& who, int argc, char** argv, int (*body)(int, char**)) {
  try {
    return body(argc, argv);
  } catch (const std::exception& error) {
    return end_program(who, fail(Kind::kInternal, "internal error: {}", error.what()));
  }
}

}  // namespace cloister
