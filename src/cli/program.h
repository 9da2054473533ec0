// How every program of Cloister talks about its flags and ends.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/error.h"

namespace cloister {

// What a command ends with: an exit code, or an error that becomes one line on stderr.
using Outcome = Result<int>;

// For what users type: where a parser can't read it, that is wrong usage.
template <typename T>
Result<T> typed(Result<T> parsed) {
  if (!parsed && parsed.error().kind == Kind::kInvalid) {
    Error error = std::move(parsed).error();
    error.kind = Kind::kUsage;
    return std::unexpected(std::move(error));
  }
  return parsed;
}

// A flag for a number from `least` to `most`, its default shown.
template <typename T>
CLI::Option* add_number(CLI::App& app, const char* flag, T& value, const char* help, double least,
                        double most) {
  return app.add_option(flag, value, help)
      ->type_name("N")
      ->check(CLI::Range(least, most))
      ->capture_default_str();
}

// Gives the program, and the commands added to it afterwards, our layout of help texts.
void set_help_layout(CLI::App& app);

// Ends a program after the command line was not accepted (one line on stderr) or asked for --help.
// `who` is what the user typed: "cloister split".
int end_program(const CLI::App& app, const std::string& who, const CLI::ParseError& error);

// Parses the command line, runs, and ends the program with the outcome.
int parse_and_run(CLI::App& app, const std::string& who, int argc, char** argv,
                  const std::function<Outcome()>& run);

// Ends a program with its outcome. Output that can't be written is a failure.
int end_program(const std::string& who, Outcome outcome);

// What main() returns: body's answer, or an internal error for an exception that got this far.
int run_guarded(const std::string& who, int argc, char** argv, int (*body)(int, char**));

}  // namespace cloister
