// The subcommands of `cloister-keyserver`.
#pragma once

#include "cli/program.h"

namespace cloister {

// Each adds itself to `app`; when the user chose it, its callback runs it and sets `outcome`.
void add_serve_command(CLI::App& app, Outcome& outcome);
// add, policy, list, revoke, restore
void add_key_commands(CLI::App& app, Outcome& outcome);
void add_log_command(CLI::App& app, Outcome& outcome);

}  // namespace cloister
